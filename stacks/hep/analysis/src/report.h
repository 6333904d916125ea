#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "histogram.h"
#include "jets.h"
#include "options.h"

// What is known after all events.
struct Result {
  long events = 0;
  std::uint64_t particles = 0;
  std::uint64_t jets = 0;
  // Events with 0, 1, 2, 3, 4, and 5 or more jets.
  std::array<std::uint64_t, 6> multiplicity{};
  struct Rank {
    std::uint64_t jets = 0;
    double pt = 0, energy = 0, mass = 0;
    std::uint64_t constituents = 0;
  };
  // Hardest, second and third jet.
  std::array<Rank, 3> ranks{};
  std::vector<Histogram> pt{
      {"hardest jet", 48, 0.0, 48.0},
      {"second jet", 48, 0.0, 48.0},
      {"third jet", 48, 0.0, 48.0},
  };
  // FNV-1a over the bits of every jet's momentum: equal when all jets are.
  std::uint64_t digest = 0xcbf29ce484222325u;

  void add(std::size_t particleCount, const std::vector<Jet>& jets);
};

std::string formatReport(const Result& result, const Options& options);
