# the same shape, with a comparator of its own
let
  l = builtins.genList (i: let y = i * 7919 + 104729 * (i - (i / 313) * 313); in y - (y / 1000003) * 1000003) 200000;
  s = builtins.sort (a: b: a < b) l;
in [ (builtins.length s) (builtins.elemAt s 0) (builtins.elemAt s 100000) (builtins.elemAt s 199999) ]
