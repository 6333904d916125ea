#include "generator.h"

#include <HepMC3/GenParticle.h>
#include <HepMC3/GenVertex.h>

#include <array>
#include <cmath>
#include <vector>

namespace {

constexpr double kEnergy = 91.1876;  // GeV, the Z mass

struct Vector {
  double x, y, z;
};
Vector operator+(Vector a, Vector b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
Vector operator-(Vector a, Vector b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
Vector operator*(double s, Vector a) { return {s * a.x, s * a.y, s * a.z}; }
double dot(Vector a, Vector b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
Vector cross(Vector a, Vector b) { return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x}; }
Vector unit(Vector a) { return (1.0 / std::sqrt(dot(a, a))) * a; }

struct Parton {
  int id;
  Vector p;
};
struct Hadron {
  int id;
  double mass;
  Vector p;
};

// cos(theta) of the primary quark follows 1 + cos^2.
Vector primaryAxis(Random& random) {
  double c;
  do c = 2.0 * random.uniform() - 1.0;
  while (2.0 * random.uniform() > 1.0 + c * c);
  const auto [x, y] = random.circle();
  const double s = std::sqrt(1.0 - c * c);
  return {s * x, s * y, c};
}

// Two vectors that make a right-handed frame with `axis`, turned at random.
std::array<Vector, 2> transverse(Random& random, Vector axis) {
  const Vector other = std::fabs(axis.z) < 0.9 ? Vector{0, 0, 1} : Vector{1, 0, 0};
  const Vector u = unit(cross(axis, other)), v = cross(axis, u);
  const auto [c, s] = random.circle();
  return {c * u + s * v, c * v - s * u};
}

std::vector<Parton> partons(Random& random) {
  const int flavour = 1 + static_cast<int>(5.0 * random.uniform());
  const Vector axis = primaryAxis(random);
  const double beam = 0.5 * kEnergy;
  if (random.uniform() > 0.35) return {{flavour, beam * axis}, {-flavour, -beam * axis}};

  // x1, x2: energies of quark and antiquark over the beam energy, after
  // (x1^2 + x2^2) / ((1 - x1)(1 - x2)) with every (1 - x) above the cut.
  constexpr double cut = 0.03, most = 2.0 / (cut * cut);
  double x1, x2, x3;
  do {
    x1 = random.uniform();
    x2 = random.uniform();
    x3 = 2.0 - x1 - x2;
  } while (1.0 - x1 < cut || 1.0 - x2 < cut || x3 > 1.0 - cut ||
           random.uniform() * most > (x1 * x1 + x2 * x2) / ((1.0 - x1) * (1.0 - x2)));
  const Vector side = transverse(random, axis)[0];
  // Momentum conservation fixes the angle between the two.
  const double c = (x3 * x3 - x1 * x1 - x2 * x2) / (2.0 * x1 * x2);
  const double s = std::sqrt(std::fmax(0.0, 1.0 - c * c));
  const Vector p1 = beam * x1 * axis, p2 = beam * x2 * (c * axis + s * side);
  return {{flavour, p1}, {-flavour, p2}, {21, Vector{0, 0, 0} - p1 - p2}};
}

struct Species {
  double until;  // of a uniform number
  int id;
  double mass;
};
constexpr std::array<Species, 7> kSpecies{{
    {0.31, 211, 0.13957},
    {0.62, -211, 0.13957},
    {0.80, 22, 0.0},
    {0.87, 321, 0.49368},
    {0.94, -321, 0.49368},
    {0.97, 2212, 0.93827},
    {1.00, -2212, 0.93827},
}};

std::vector<Hadron> fragment(Random& random, const Parton& parton) {
  const double momentum = std::sqrt(dot(parton.p, parton.p));
  const Vector axis = (1.0 / momentum) * parton.p;
  const auto sides = transverse(random, axis);
  const int count = 3 + static_cast<int>(0.16 * momentum + 1.6 * std::sqrt(momentum) * (0.6 + 0.8 * random.uniform()));
  std::vector<double> shares(count);
  double sum = 0.0;
  for (auto& share : shares) {
    const double e = random.exponential();
    share = 0.15 + e * e;  // a few hadrons take most of the energy
    sum += share;
  }
  std::vector<Hadron> hadrons;
  for (const double share : shares) {
    const double which = random.uniform();
    const Species* species = &kSpecies.back();
    for (const auto& s : kSpecies) {
      if (which < s.until) {
        species = &s;
        break;
      }
    }
    const double along = momentum * share / sum;
    const double a = 0.35 * random.normal(), b = 0.35 * random.normal();
    hadrons.push_back({species->id, species->mass, along * axis + a * sides[0] + b * sides[1]});
  }
  return hadrons;
}

// Shifts and stretches the momenta until the event has the beams' energy and
// no momentum.
void conserve(std::vector<Hadron>& hadrons) {
  Vector sum{0, 0, 0};
  for (const auto& h : hadrons) sum = sum + h.p;
  for (auto& h : hadrons) h.p = h.p - (1.0 / static_cast<double>(hadrons.size())) * sum;
  double scale = 1.0;
  for (int i = 0; i < 30; ++i) {
    double energy = 0.0, slope = 0.0;
    for (const auto& h : hadrons) {
      const double p2 = dot(h.p, h.p), e = std::sqrt(scale * scale * p2 + h.mass * h.mass);
      energy += e;
      if (e > 0.0) slope += scale * p2 / e;
    }
    const double step = (energy - kEnergy) / slope;
    scale -= step;
    if (std::fabs(step) < 1e-14) break;
  }
  for (auto& h : hadrons) h.p = scale * h.p;
}

HepMC3::FourVector fourVector(Vector p, double mass) {
  return {p.x, p.y, p.z, std::sqrt(dot(p, p) + mass * mass)};
}

}  // namespace

Generator::Generator(std::uint64_t seed) : seed_(seed), run_(std::make_shared<HepMC3::GenRunInfo>()) {
  run_->set_weight_names({"nominal"});
  HepMC3::GenRunInfo::ToolInfo tool;
  tool.name = "analysis toy generator";
  tool.version = ANALYSIS_VERSION;
  tool.description = "e+e- -> hadrons, seed " + std::to_string(seed);
  run_->tools().push_back(tool);
}

HepMC3::GenEvent Generator::event(long number) const {
  Random random(seed_ ^ (0xd1342543de82ef95u * static_cast<std::uint64_t>(number + 1)));
  HepMC3::GenEvent event(run_, HepMC3::Units::GEV, HepMC3::Units::MM);
  event.set_event_number(static_cast<int>(number));
  event.weights() = {1.0};

  const auto particle = [](HepMC3::FourVector p, int id, int status, double mass) {
    auto result = std::make_shared<HepMC3::GenParticle>(p, id, status);
    result->set_generated_mass(mass);
    return result;
  };
  const double beam = 0.5 * kEnergy;
  const auto electron = particle({0, 0, beam, beam}, 11, 4, 0.0);
  const auto positron = particle({0, 0, -beam, beam}, -11, 4, 0.0);
  const auto boson = particle({0, 0, 0, kEnergy}, 23, 62, kEnergy);
  const auto annihilation = std::make_shared<HepMC3::GenVertex>();
  annihilation->add_particle_in(electron);
  annihilation->add_particle_in(positron);
  annihilation->add_particle_out(boson);
  event.add_vertex(annihilation);

  const auto decay = std::make_shared<HepMC3::GenVertex>();
  decay->add_particle_in(boson);
  const auto hadronisation = std::make_shared<HepMC3::GenVertex>();
  std::vector<Hadron> hadrons;
  for (const auto& parton : partons(random)) {
    const auto p = particle(fourVector(parton.p, 0.0), parton.id, 71, 0.0);
    decay->add_particle_out(p);
    hadronisation->add_particle_in(p);
    for (const auto& hadron : fragment(random, parton)) hadrons.push_back(hadron);
  }
  event.add_vertex(decay);
  conserve(hadrons);
  for (const auto& h : hadrons) hadronisation->add_particle_out(particle(fourVector(h.p, h.mass), h.id, 1, h.mass));
  event.add_vertex(hadronisation);
  return event;
}
