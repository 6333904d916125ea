#pragma once
#include <HepMC3/GenEvent.h>

#include <vector>

struct Jet {
  double px, py, pz, energy, pt;
  int constituents;
};

class JetFinder {
public:
  JetFinder(double radius, double minimumPt);
  // Anti-kt jets of the final state without neutrinos, hardest first.
  std::vector<Jet> find(const HepMC3::GenEvent& event) const;

private:
  double radius_;
  double minimumPt_;
};
