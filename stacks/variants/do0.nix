final: prev: { buildType = "do0"; }
