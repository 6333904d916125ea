#pragma once
#include <HepMC3/GenEvent.h>

#include <cstdint>
#include <memory>

#include "random.h"

// Toy events e+e- -> Z -> q qbar (g) -> hadrons. The three-parton kinematics
// follow the first-order QCD matrix element; the hadrons follow nothing but
// common sense: limited transverse momentum about each parton's axis, energy
// and momentum conserved.
class Generator {
public:
  explicit Generator(std::uint64_t seed);
  // Event `number`. Depends on the seed and the number only.
  HepMC3::GenEvent event(long number) const;
  std::shared_ptr<HepMC3::GenRunInfo> run() const { return run_; }

private:
  std::uint64_t seed_;
  std::shared_ptr<HepMC3::GenRunInfo> run_;
};
