final: prev: { cxxStandard = 17; }
