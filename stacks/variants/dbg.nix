final: prev: { buildType = "dbg"; }
