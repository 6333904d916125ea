#pragma once
#include <cstdint>
#include <string>

struct Options {
  long events = 1000;
  bool eventsGiven = false;
  std::uint64_t seed = 42;
  double radius = 0.7;
  double minimumPt = 5.0;
  std::string input;
  std::string output;
  std::string svg;
  bool ascii = false;
  bool help = false;
  bool version = false;
};

// Throws UserError with what is wrong with the arguments.
Options parseOptions(int argc, char** argv);
const char* helpText();
