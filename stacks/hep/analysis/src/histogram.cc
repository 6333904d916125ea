#include "histogram.h"

#include <algorithm>
#include <utility>

Histogram::Histogram(std::string name, int count, double from, double to)
    : title(std::move(name)), low(from), high(to), bins(count, 0) {}

void Histogram::fill(double x) {
  if (x < low) {
    ++under;
  } else if (x >= high) {
    ++over;
  } else {
    const auto bin = static_cast<std::size_t>((x - low) / (high - low) * static_cast<double>(bins.size()));
    ++bins[std::min(bin, bins.size() - 1)];
  }
}

std::uint64_t Histogram::entries() const {
  std::uint64_t sum = under + over;
  for (const auto n : bins) sum += n;
  return sum;
}

std::uint64_t Histogram::highest() const { return *std::max_element(bins.begin(), bins.end()); }

double Histogram::edge(std::size_t bin) const {
  return low + (high - low) * static_cast<double>(bin) / static_cast<double>(bins.size());
}
