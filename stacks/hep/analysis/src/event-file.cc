#include "event-file.h"

#include <HepMC3/Setup.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "user-error.h"

EventReader::EventReader(const std::string& path) : path_(path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) throw UserError("cannot read '" + path + "': it is a directory");
  std::ifstream probe(path);
  if (!probe) throw UserError("cannot read '" + path + "': " + std::strerror(errno));
  std::string line;
  while (std::getline(probe, line) && line.empty()) {
  }
  if (line.rfind("HepMC::Version", 0) != 0)
    throw UserError("'" + path + "' is not a HepMC3 ASCII file: it does not begin with 'HepMC::Version'");
  if (!std::getline(probe, line) || line.rfind("HepMC::Asciiv3", 0) != 0)
    throw UserError("'" + path + "' is a HepMC file, but not of the Asciiv3 form that this program reads");
  probe.close();
  // What HepMC3 would print itself is said by the exceptions here.
  HepMC3::Setup::set_print_errors(false);
  HepMC3::Setup::set_print_warnings(false);
  reader_ = std::make_unique<HepMC3::ReaderAscii>(path);
  if (reader_->failed()) throw UserError("cannot read '" + path + "'");
}

bool EventReader::next(HepMC3::GenEvent& event) {
  if (reader_->failed()) return false;
  if (!reader_->read_event(event) || reader_->failed()) {
    // HepMC3 tells the end of the file and a damaged event apart by what it read.
    if (event.particles().empty()) return false;
    throw UserError("'" + path_ + "' is damaged after event " + std::to_string(count_));
  }
  ++count_;
  event.set_units(HepMC3::Units::GEV, HepMC3::Units::MM);
  return true;
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
