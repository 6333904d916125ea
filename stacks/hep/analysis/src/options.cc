#include "options.h"

#include <cerrno>
#include <cstdlib>
#include <string>

#include "user-error.h"

namespace {

[[noreturn]] void usageError(const std::string& message) { throw UserError(message, true); }

unsigned long long wholeNumber(const std::string& option, const std::string& text, unsigned long long most) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos)
    usageError(option + " wants a whole number, not '" + text + "'");
  errno = 0;
  const unsigned long long value = std::strtoull(text.c_str(), nullptr, 10);
  if (errno == ERANGE || value > most) usageError(option + " " + text + " is too large (at most " + std::to_string(most) + ")");
  return value;
}

double positiveNumber(const std::string& option, const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value > 0.0 && value < 1e6))
    usageError(option + " wants a positive number, not '" + text + "'");
  return value;
}

}  // namespace

Options parseOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i], value;
    bool attached = false;
    if (name.rfind("--", 0) == 0) {
      if (const auto equals = name.find('='); equals != std::string::npos) {
        value = name.substr(equals + 1);
        name = name.substr(0, equals);
        attached = true;
      }
    }
    const auto argument = [&]() -> const std::string& {
      if (!attached) {
        if (i + 1 >= argc) usageError(name + " wants a value");
        value = argv[++i];
      }
      return value;
    };
    const auto file = [&] {
      if (argument().empty()) usageError(name + " wants a file name");
      return value;
    };
    const auto flag = [&] {
      if (attached) usageError(name + " takes no value");
      return true;
    };
    if (name == "--events" || name == "-n") {
      options.events = static_cast<long>(wholeNumber(name, argument(), 1000000000));
      if (options.events == 0) usageError(name + " wants at least one event");
      options.eventsGiven = true;
    } else if (name == "--seed" || name == "-s") {
      options.seed = wholeNumber(name, argument(), ~0ull);
    } else if (name == "--radius") {
      options.radius = positiveNumber(name, argument());
      if (options.radius > 2.0) usageError("--radius " + value + " is too large (at most 2)");
    } else if (name == "--min-pt") {
      options.minimumPt = positiveNumber(name, argument());
    } else if (name == "--input" || name == "-i") {
      options.input = file();
    } else if (name == "--output" || name == "-o") {
      options.output = file();
    } else if (name == "--svg") {
      options.svg = file();
    } else if (name == "--ascii") {
      options.ascii = flag();
    } else if (name == "--help" || name == "-h") {
      options.help = flag();
    } else if (name == "--version") {
      options.version = flag();
    } else {
      usageError("unknown argument '" + std::string(argv[i]) + "'");
    }
  }
  if (!options.output.empty() && options.output == options.input)
    usageError("--input and --output are the same file '" + options.input + "'");
  return options;
}

const char* helpText() {
  return R"(analysis: from e+e- events to jets

usage: analysis [--events N] [--seed S] [--output FILE] [--svg FILE]
       analysis --input FILE [--events N] [--output FILE] [--svg FILE]

Generates toy e+e- -> hadrons events at the Z pole, or reads events from a
HepMC3 file, clusters the final state into anti-kt jets with FastJet, and
prints a table and a histogram. The same arguments give the same bytes,
whatever compiler built the program.

  -n, --events N    number of events to generate, or at most to read (1000)
  -s, --seed S      seed of the generator (42)
  -i, --input FILE  read HepMC3 ASCII events instead of generating them
  -o, --output FILE write the events as HepMC3 ASCII
      --svg FILE    write the histograms as a picture
      --radius R    radius of the jets (0.7)
      --min-pt PT   smallest transverse momentum of a jet, in GeV (5)
      --ascii       draw with ASCII characters only
      --version     print the version
  -h, --help        print this

example: analysis --events 5000 --svg jets.svg
)";
}
