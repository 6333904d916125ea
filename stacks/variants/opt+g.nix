final: prev: { buildType = "opt+g"; }
