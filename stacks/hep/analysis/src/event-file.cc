#include "event-file.h"

#include <HepMC3/Setup.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "user-error.h"

EventReader::EventReader(const std::string& path) : path_(path), file_(path) {
  const int reason = errno;
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) throw UserError("cannot read '" + path + "': it is a directory");
  if (!file_) throw UserError("cannot read '" + path + "': " + std::strerror(reason));
  std::string line;
  while (std::getline(file_, line) && line.empty()) {
  }
  if (line.rfind("HepMC::Version", 0) != 0)
    throw UserError("'" + path + "' is not a HepMC3 ASCII file: it does not begin with 'HepMC::Version'");
  if (!std::getline(file_, line) || line.rfind("HepMC::Asciiv3", 0) != 0)
    throw UserError("'" + path + "' is a HepMC file, but not of the Asciiv3 form that this program reads");
  file_.seekg(0);
  // What HepMC3 would print itself is said by the exceptions here.
  HepMC3::Setup::set_print_errors(false);
  HepMC3::Setup::set_print_warnings(false);
  reader_ = std::make_unique<HepMC3::ReaderAscii>(file_);
}

bool EventReader::next(HepMC3::GenEvent& event) {
  if (!reader_->failed() && reader_->read_event(event) && !reader_->failed()) {
    ++count_;
    event.set_units(HepMC3::Units::GEV, HepMC3::Units::MM);
    return true;
  }
  checkEnd();
  return false;
}

// HepMC3 stops in the same way at the end, at a damaged line and where a file
// was cut off. A whole file has been read up to its closing line.
void EventReader::checkEnd() {
  const std::string closing = "END_EVENT_LISTING";
  file_.clear();
  std::string rest;
  std::getline(file_, rest, '\0');
  const bool readAll = rest.find_first_not_of(" \t\r\n") == std::string::npos;
  file_.clear();
  file_.seekg(0, std::ios::end);
  const std::streamoff size = file_.tellg();
  file_.seekg(std::max<std::streamoff>(0, size - 64));
  std::string tail;
  std::getline(file_, tail, '\0');
  if (readAll && tail.find(closing) != std::string::npos) return;
  throw UserError("'" + path_ + "' is damaged or cut off after event " + std::to_string(count_));
}

EventWriter::EventWriter(const std::string& path, std::shared_ptr<HepMC3::GenRunInfo> run) : path_(path) {
  {
    std::ofstream probe(path, std::ios::app);
    if (!probe) throw UserError("cannot write '" + path + "': " + std::strerror(errno));
  }
  HepMC3::Setup::set_print_errors(false);
  HepMC3::Setup::set_print_warnings(false);
  writer_ = std::make_unique<HepMC3::WriterAscii>(path, std::move(run));
  if (writer_->failed()) throw UserError("cannot write '" + path + "'");
}

void EventWriter::write(const HepMC3::GenEvent& event) {
  writer_->write_event(event);
  if (writer_->failed()) throw UserError("cannot write '" + path_ + "': is the disk full?");
}

void EventWriter::close() {
  writer_->close();
  if (writer_->failed()) throw UserError("cannot write '" + path_ + "': is the disk full?");
}
