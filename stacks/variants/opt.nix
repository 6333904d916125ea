final: prev: { buildType = "opt"; }
