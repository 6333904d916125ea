#pragma once
#include <string>
#include <vector>

#include "histogram.h"

struct Picture {
  std::string title, subtitle, xLabel, yLabel;
};

// Histograms of equal binning over each other as one SVG document, which needs
// no style sheet, script or font from elsewhere.
std::string formatSvg(const Picture& picture, const std::vector<Histogram>& histograms);
