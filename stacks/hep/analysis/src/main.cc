// From events to jets: see helpText() for what the program does.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <optional>

#include <HepMC3/GenParticle.h>

#include "event-file.h"
#include "generator.h"
#include "jets.h"
#include "options.h"
#include "report.h"
#include "svg.h"
#include "user-error.h"

namespace {

std::size_t finalState(const HepMC3::GenEvent& event) {
  std::size_t count = 0;
  for (const auto& particle : event.particles()) count += particle->status() == 1;
  return count;
}

void writeFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) throw UserError("cannot write '" + path + "': " + std::strerror(errno));
  file << text;
  file.close();
  if (!file) throw UserError("cannot write '" + path + "': is the disk full?");
}

Result analyse(const Options& options) {
  const JetFinder finder(options.radius, options.minimumPt);
  Result result;
  std::optional<EventWriter> writer;
  const auto take = [&](const HepMC3::GenEvent& event) {
    if (!options.output.empty() && !writer) writer.emplace(options.output, event.run_info());
    if (writer) writer->write(event);
    result.add(finalState(event), finder.find(event));
  };
  if (options.input.empty()) {
    const Generator generator(options.seed);
    for (long i = 0; i < options.events; ++i) take(generator.event(i));
  } else {
    EventReader reader(options.input);
    HepMC3::GenEvent event;
    while ((!options.eventsGiven || result.events < options.events) && reader.next(event)) take(event);
    if (result.events == 0) throw UserError("'" + options.input + "' has no events");
  }
  if (writer) writer->close();
  return result;
}

int run(int argc, char** argv) {
  const Options options = parseOptions(argc, argv);
  if (options.help) {
    std::fputs(helpText(), stdout);
    return 0;
  }
  if (options.version) {
    std::puts("analysis " ANALYSIS_VERSION);
    return 0;
  }
  const Result result = analyse(options);
  if (!options.svg.empty()) {
    Picture picture;
    picture.title = "Transverse momentum of jets";
    picture.subtitle = (options.input.empty() ? std::string("toy e⁺e⁻ → hadrons at the Z pole") : options.input) + ", " +
                       std::to_string(result.events) + " events, anti-kt R = " + std::to_string(options.radius).substr(0, 4);
    picture.xLabel = "pT [GeV]";
    picture.yLabel = "jets per GeV";
    writeFile(options.svg, formatSvg(picture, result.pt));
  }
  const std::string report = formatReport(result, options);
  if (std::fwrite(report.data(), 1, report.size(), stdout) != report.size() || std::fflush(stdout) != 0)
    throw UserError(std::string("cannot write the report: ") + std::strerror(errno));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const UserError& error) {
    std::fprintf(stderr, "analysis: error: %s\n", error.what());
    if (error.usage()) std::fputs("hint: analysis --help lists the arguments\n", stderr);
    return error.usage() ? 2 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "analysis: error: %s\n", error.what());
    return 1;
  }
}
