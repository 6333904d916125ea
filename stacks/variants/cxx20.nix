final: prev: { cxxStandard = 20; }
