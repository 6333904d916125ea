#pragma once
#include <HepMC3/GenEvent.h>
#include <HepMC3/ReaderAscii.h>
#include <HepMC3/WriterAscii.h>

#include <fstream>
#include <memory>
#include <string>

// HepMC3 ASCII files, with errors that name the file.
class EventReader {
public:
  explicit EventReader(const std::string& path);
  // False at the end of the file.
  bool next(HepMC3::GenEvent& event);

private:
  void checkEnd();

  std::string path_;
  std::ifstream file_;
  std::unique_ptr<HepMC3::ReaderAscii> reader_;
  long count_ = 0;
};

class EventWriter {
public:
  EventWriter(const std::string& path, std::shared_ptr<HepMC3::GenRunInfo> run);
  void write(const HepMC3::GenEvent& event);
  void close();

private:
  std::string path_;
  std::unique_ptr<HepMC3::WriterAscii> writer_;
};
