# The compiler as builds see it: Debian's compiler of the build root, with the
# store's loader and run paths put into everything it links.
{
  lib,
  toolchain,
  compiler,
  flags,
  cxxStandard,
  forceOptimisation,
}:
let
  cc = toolchain.boot "cc-${compiler.name}-${compiler.version}" ./make-cc-wrapper.sh {
    ccScript = ./cc.sh;
    ldScript = ./ld.sh;
    inherit (toolchain) glibc gccLib;
    programs = lib.concatStringsSep " " (lib.mapAttrsToList (name: real: "${name}=${real}") compiler.programs);
    inherit flags;
    inherit (compiler) family;
    cxxStandard = toString cxxStandard;
    inherit forceOptimisation;
  };
in
cc
// {
  pname = "cc-${compiler.name}";
  inherit (compiler) version;
  isGNU = compiler.family == "gcc";
  isClang = compiler.family == "clang";
  inherit (toolchain) glibc;
  libc = toolchain.glibc;
  cc = compiler;
  meta.description = "${compiler.name} ${compiler.version} with the store's run time";
}
