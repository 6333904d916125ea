// Random numbers that are the same bits everywhere: the standard library's
// distributions differ between implementations, and libm between processors.
// Only + - * / and sqrt are used, which IEEE 754 rounds exactly.
#pragma once
#include <cmath>
#include <cstdint>
#include <utility>

class Random {
public:
  // xoshiro256++ (Blackman and Vigna), its state filled by splitmix64.
  explicit Random(std::uint64_t seed) {
    for (auto& word : state_) {
      std::uint64_t z = (seed += 0x9e3779b97f4a7c15u);
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
      word = z ^ (z >> 31);
    }
  }

  std::uint64_t bits() {
    const std::uint64_t result = rotate(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  // In [0, 1).
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

  // Exponential with mean 1, by von Neumann's game of comparisons.
  double exponential() {
    for (int whole = 0;; ++whole) {
      const double first = uniform();
      double last = first;
      for (bool odd = true;; odd = !odd) {
        const double next = uniform();
        if (next > last) {
          if (odd) return whole + first;
          break;
        }
        last = next;
      }
    }
  }

  // Close to a normal distribution with mean 0 and width 1; cut at 6.
  double normal() {
    double sum = -6.0;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum;
  }

  // A point on the unit circle, and on the unit sphere.
  std::pair<double, double> circle() {
    for (;;) {
      const double x = 2.0 * uniform() - 1.0, y = 2.0 * uniform() - 1.0, r = x * x + y * y;
      if (r > 1e-6 && r <= 1.0) {
        const double n = std::sqrt(r);
        return {x / n, y / n};
      }
    }
  }

private:
  static std::uint64_t rotate(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  std::uint64_t state_[4];
};
