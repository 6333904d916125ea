# 5,000 derivations, each of which needs one before it.
let
  build = index: input: derivation {
    name = "package-${toString index}";
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-c" "echo $input > $out" ];
    inherit input index;
    flags = builtins.genList (n: "--option-${toString n}=${toString index}") 10;
  };
  step = last: index: let next = build index last; in builtins.seq next.drvPath next;
in
(builtins.foldl' step null (builtins.genList (n: n) 5000)).drvPath
