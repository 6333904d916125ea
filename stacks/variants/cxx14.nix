final: prev: { cxxStandard = 14; }
