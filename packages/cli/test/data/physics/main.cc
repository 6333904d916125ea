// Makes some events, writes them with HepMC3, reads them again, and says what came back.
#include <HepMC3/GenEvent.h>
#include <HepMC3/GenParticle.h>
#include <HepMC3/GenVertex.h>
#include <HepMC3/ReaderAscii.h>
#include <HepMC3/WriterAscii.h>

#include <cmath>
#include <cstdio>
#include <memory>
#include <sstream>

using namespace HepMC3;

int main() {
  std::ostringstream out;
  {
    WriterAscii writer(out);
    for (int number = 0; number < 100; ++number) {
      GenEvent event(Units::GEV, Units::MM);
      event.set_event_number(number);
      auto vertex = std::make_shared<GenVertex>();
      const double energy = 45.6 + number, angle = 0.1 * number;
      vertex->add_particle_in(std::make_shared<GenParticle>(FourVector(0, 0, 0, 2 * energy), 23, 2));
      for (int sign : {-1, 1}) {
        const FourVector momentum(sign * energy * std::cos(angle), sign * energy * std::sin(angle), 0, energy);
        vertex->add_particle_out(std::make_shared<GenParticle>(momentum, 13 * sign, 1));
      }
      event.add_vertex(vertex);
      writer.write_event(event);
    }
  }
  std::istringstream in(out.str());
  ReaderAscii reader(in);
  GenEvent event;
  int events = 0, particles = 0;
  double energy = 0;
  while (reader.read_event(event) && !reader.failed()) {
    ++events;
    for (const auto& particle : event.particles()) {
      if (particle->status() != 1) continue;
      ++particles;
      energy += particle->momentum().e();
    }
  }
  std::printf("physics " VERSION ": %d events, %d particles, %.3f GeV\n", events, particles, energy);
  return events == 100 ? 0 : 1;
}
