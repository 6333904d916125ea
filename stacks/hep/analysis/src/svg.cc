#include "svg.h"

#include <algorithm>
#include <cstdio>

namespace {

constexpr double kWidth = 820, kHeight = 500, kLeft = 78, kRight = 28, kTop = 84, kBottom = 66;
constexpr double kPlotWidth = kWidth - kLeft - kRight, kPlotHeight = kHeight - kTop - kBottom;
const char* const kColours[] = {"#2563a8", "#d9822b", "#3a8f5c", "#8250a8"};

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", x);
  std::string result = text;
  result.erase(result.find_last_not_of('0') + 1);
  if (result.back() == '.') result.pop_back();
  return result == "-0" ? "0" : result;
}

std::string escape(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      default: result += c;
    }
  }
  return result;
}

// 1, 2 or 5 times a power of ten, so that about `count` steps make `range`.
double niceStep(double range, int count) {
  double step = 1.0;
  while (range / step > 10.0 * count) step *= 10.0;
  while (range / step < count) step /= 10.0;
  for (const double factor : {5.0, 2.0})
    if (range / (step * factor) >= count) return step * factor;
  return step;
}

std::string label(double x, double y, const char* anchor, const char* style, const std::string& text) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\" " + style + ">" +
         escape(text) + "</text>\n";
}

}  // namespace

std::string formatSvg(const Picture& picture, const std::vector<Histogram>& histograms) {
  const double low = histograms.front().low, high = histograms.front().high;
  double most = 1.0;
  for (const auto& h : histograms) most = std::max(most, static_cast<double>(h.highest()));
  const double yStep = std::max(1.0, niceStep(most * 1.05, 5));
  const double top = yStep * (static_cast<int>(most * 1.05 / yStep) + 1);
  const double xStep = niceStep(high - low, 8);
  const auto x = [&](double value) { return kLeft + (value - low) / (high - low) * kPlotWidth; };
  const auto y = [&](double value) { return kTop + kPlotHeight - value / top * kPlotHeight; };

  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + number(kWidth) + " " + number(kHeight) +
                    "\" width=\"" + number(kWidth) + "\" height=\"" + number(kHeight) +
                    "\" font-family=\"Helvetica, Arial, 'Liberation Sans', sans-serif\" font-size=\"13\" fill=\"#33383d\">\n";
  svg += "<title>" + escape(picture.title) + "</title>\n";
  svg += "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  svg += label(kLeft, 36, "start", "font-size=\"20\" font-weight=\"600\" fill=\"#1b1f23\"", picture.title);
  svg += label(kLeft, 58, "start", "fill=\"#6a7178\"", picture.subtitle);

  svg += "<g stroke=\"#e6e8eb\">\n";
  for (double v = yStep; v <= top * 1.0001; v += yStep)
    svg += "<line x1=\"" + number(kLeft) + "\" x2=\"" + number(kLeft + kPlotWidth) + "\" y1=\"" + number(y(v)) + "\" y2=\"" +
           number(y(v)) + "\"/>\n";
  svg += "</g>\n<g fill=\"#6a7178\">\n";
  for (double v = 0; v <= top * 1.0001; v += yStep) svg += label(kLeft - 10, y(v) + 4.5, "end", "", number(v));
  for (double v = low; v <= high * 1.0001; v += xStep) svg += label(x(v), kTop + kPlotHeight + 22, "middle", "", number(v));
  svg += "</g>\n";

  for (std::size_t n = histograms.size(); n-- > 0;) {
    const auto& h = histograms[n];
    const std::string colour = kColours[n % 4];
    std::string line = "M" + number(x(low)) + " " + number(y(0));
    for (std::size_t i = 0; i < h.bins.size(); ++i)
      line += "V" + number(y(static_cast<double>(h.bins[i]))) + "H" + number(x(h.edge(i + 1)));
    line += "V" + number(y(0));
    svg += "<path d=\"" + line + "Z\" fill=\"" + colour + "\" fill-opacity=\"0.16\"/>\n";
    svg += "<path d=\"" + line + "\" fill=\"none\" stroke=\"" + colour + "\" stroke-width=\"1.8\" stroke-linejoin=\"round\"/>\n";
  }

  const std::string base = number(kTop + kPlotHeight);
  svg += "<path d=\"M" + number(kLeft) + " " + base + "H" + number(kLeft + kPlotWidth) + "\" stroke=\"#33383d\" stroke-width=\"1.2\"/>\n";
  svg += "<g stroke=\"#33383d\">\n";
  for (double v = low; v <= high * 1.0001; v += xStep)
    svg += "<line x1=\"" + number(x(v)) + "\" x2=\"" + number(x(v)) + "\" y1=\"" + base + "\" y2=\"" +
           number(kTop + kPlotHeight + 5) + "\"/>\n";
  svg += "</g>\n";
  svg += label(kLeft + kPlotWidth, kHeight - 18, "end", "font-size=\"14\"", picture.xLabel);
  svg += "<text transform=\"translate(22 " + number(kTop) + ") rotate(-90)\" text-anchor=\"end\" font-size=\"14\">" +
         escape(picture.yLabel) + "</text>\n";

  for (std::size_t n = 0; n < histograms.size(); ++n) {
    const double row = kTop + 16 + 24 * static_cast<double>(n), column = kLeft + 22;
    const std::string colour = kColours[n % 4];
    svg += "<rect x=\"" + number(column) + "\" y=\"" + number(row - 10) + "\" width=\"22\" height=\"12\" rx=\"2\" fill=\"" +
           colour + "\" fill-opacity=\"0.16\" stroke=\"" + colour + "\" stroke-width=\"1.6\"/>\n";
    svg += label(column + 32, row + 1, "start", "",
                 histograms[n].title + " (" + std::to_string(histograms[n].entries()) + ")");
  }
  return svg + "</svg>\n";
}
