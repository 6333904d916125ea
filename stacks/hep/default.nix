# The HEP stack for one platform tag. An attribute of the result is a package:
#   baryon build -f stacks/hep analysis --platform x86_64-debian12-gcc11-opt
{
  platform ? "x86_64-debian12-gcc12-opt",
  overlays ? [ ],
  system ? "x86_64-linux",
}:
let
  lib = import ../std/lib;
  variants = import ../variants { inherit lib; };
in
import ../std {
  inherit system;
  overlays =
    variants.overlaysFor platform
    ++ [
      (import ./packages.nix)
      (final: prev: {
        inherit platform;
        # The platforms this stack is released for. Any other tag that the
        # variants know (dbg, +cxx20, x86_64_v3) builds as well.
        platforms = [
          "x86_64-debian12-gcc12-opt"
          "x86_64-debian12-gcc11-opt"
          "x86_64-debian12-clang16-opt"
          "x86_64-debian12-gcc12-dbg"
        ];
      })
    ]
    ++ overlays;
}
