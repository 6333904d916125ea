#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace {

std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));
std::string format(const char* pattern, ...) {
  char text[256];
  va_list list;
  va_start(list, pattern);
  std::vsnprintf(text, sizeof text, pattern, list);
  va_end(list);
  return text;
}

void addBits(std::uint64_t& digest, double x) {
  std::uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  for (int i = 0; i < 8; ++i) digest = (digest ^ ((bits >> (8 * i)) & 0xff)) * 0x100000001b3u;
}

std::string bar(double length, bool ascii) {
  std::string text;
  if (ascii) {
    text.assign(static_cast<std::size_t>(length + 0.5), '#');
    return text;
  }
  static const char* const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto whole = static_cast<int>(length);
  for (int i = 0; i < whole; ++i) text += "█";
  return text + eighths[static_cast<int>((length - whole) * 8.0)];
}

std::string textHistogram(const Histogram& h, bool ascii) {
  constexpr double width = 48.0;
  const double most = std::max<double>(1.0, static_cast<double>(h.highest()));
  const char* const rule = ascii ? "|" : "│";
  std::string text = "  pT of the " + h.title + " [GeV]\n";
  // Two bins of the picture make one line.
  std::vector<std::uint64_t> lines;
  for (std::size_t i = 0; i < h.bins.size(); i += 2) lines.push_back(h.bins[i] + (i + 1 < h.bins.size() ? h.bins[i + 1] : 0));
  std::size_t first = 0, last = lines.size();
  while (first + 1 < last && lines[first] == 0) ++first;
  while (last > first + 1 && lines[last - 1] == 0) --last;
  const double top = std::max(most, static_cast<double>(*std::max_element(lines.begin(), lines.end())));
  for (std::size_t i = first; i < last; ++i) {
    const double length = width * static_cast<double>(lines[i]) / top;
    text += format("  %3.0f-%-3.0f %8llu %s", h.edge(2 * i), h.edge(2 * i + 2), static_cast<unsigned long long>(lines[i]), rule);
    text += bar(length, ascii) + "\n";
  }
  return text;
}

}  // namespace

void Result::add(std::size_t particleCount, const std::vector<Jet>& found) {
  ++events;
  particles += particleCount;
  jets += found.size();
  ++multiplicity[std::min(found.size(), multiplicity.size() - 1)];
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Jet& jet = found[i];
    for (const double x : {jet.px, jet.py, jet.pz, jet.energy}) addBits(digest, x);
    if (i >= ranks.size()) continue;
    Rank& rank = ranks[i];
    ++rank.jets;
    rank.pt += jet.pt;
    rank.energy += jet.energy;
    const double mass2 = jet.energy * jet.energy - jet.px * jet.px - jet.py * jet.py - jet.pz * jet.pz;
    rank.mass += std::sqrt(std::max(0.0, mass2));
    rank.constituents += static_cast<std::uint64_t>(jet.constituents);
    pt[i].fill(jet.pt);
  }
}

std::string formatReport(const Result& result, const Options& options) {
  const double events = static_cast<double>(std::max(1l, result.events));
  std::string text;
  text += options.input.empty() ? format("e+e- -> hadrons at 91.19 GeV, %ld events, seed %llu\n", result.events,
                                         static_cast<unsigned long long>(options.seed))
                                : options.input + format(", %ld events\n", result.events);
  text += format("anti-kt jets, R = %.2g, pT > %.3g GeV: %.2f jets and %.1f particles per event\n\n", options.radius,
                 options.minimumPt, static_cast<double>(result.jets) / events, static_cast<double>(result.particles) / events);

  text += "  jets    events  fraction\n";
  for (std::size_t n = 0; n < result.multiplicity.size(); ++n) {
    if (result.multiplicity[n] == 0) continue;
    const double fraction = static_cast<double>(result.multiplicity[n]) / events;
    text += format("  %zu%s %9llu  %7.2f%%\n", n, n + 1 == result.multiplicity.size() ? "+ " : "  ",
                   static_cast<unsigned long long>(result.multiplicity[n]), 100.0 * fraction);
  }
  text += "\n  jet          <pT>     <E>  <mass>  <particles>\n";
  for (std::size_t i = 0; i < result.ranks.size(); ++i) {
    const auto& rank = result.ranks[i];
    if (rank.jets == 0) continue;
    const double n = static_cast<double>(rank.jets);
    text += format("  %-8s %8.3f%8.3f%8.3f  %11.2f\n", i == 0 ? "hardest" : i == 1 ? "second" : "third", rank.pt / n,
                   rank.energy / n, rank.mass / n, static_cast<double>(rank.constituents) / n);
  }
  text += "\n" + textHistogram(result.pt[0], options.ascii);
  text += format("\ndigest of all jets: %016llx\n", static_cast<unsigned long long>(result.digest));
  return text;
}
