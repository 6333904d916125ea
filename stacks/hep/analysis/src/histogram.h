#pragma once
#include <cstdint>
#include <string>
#include <vector>

struct Histogram {
  std::string title;
  double low, high;
  std::vector<std::uint64_t> bins;
  std::uint64_t under = 0, over = 0;

  Histogram(std::string title, int bins, double low, double high);
  void fill(double x);
  std::uint64_t entries() const;
  std::uint64_t highest() const;
  double edge(std::size_t bin) const;
};
