#include "jets.h"

#include <HepMC3/GenParticle.h>

#include <cstdlib>
#include <fastjet/ClusterSequence.hh>

JetFinder::JetFinder(double radius, double minimumPt) : radius_(radius), minimumPt_(minimumPt) {
  fastjet::ClusterSequence::set_fastjet_banner_stream(nullptr);
}

std::vector<Jet> JetFinder::find(const HepMC3::GenEvent& event) const {
  std::vector<fastjet::PseudoJet> particles;
  for (const auto& particle : event.particles()) {
    if (particle->status() != 1) continue;
    const int id = std::abs(particle->pid());
    if (id == 12 || id == 14 || id == 16) continue;
    const auto& p = particle->momentum();
    particles.emplace_back(p.px(), p.py(), p.pz(), p.e());
  }
  const fastjet::JetDefinition definition(fastjet::antikt_algorithm, radius_);
  const fastjet::ClusterSequence clusters(particles, definition);
  std::vector<Jet> jets;
  for (const auto& jet : fastjet::sorted_by_pt(clusters.inclusive_jets(minimumPt_)))
    jets.push_back({jet.px(), jet.py(), jet.pz(), jet.e(), jet.pt(), static_cast<int>(jet.constituents().size())});
  return jets;
}
