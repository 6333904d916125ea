# A package set: the standard environment below, overlays above.
# Compiler, build type, C++ standard and instruction set are attributes of the
# set, so that an overlay of one line changes them for every package.
{
  system ? "x86_64-linux",
  overlays ? [ ],
}:
let
  lib = import ./lib;

  base =
    final:
    let
      callPackage = lib.callPackageWith final;
      toolchain = import ../toolchain {
        inherit lib system;
        inherit (final) fetchDeb;
      };
    in
    {
      inherit
        lib
        system
        callPackage
        toolchain
        ;
      callPackages = lib.callPackagesWith final;
      newScope = extra: lib.callPackageWith (final // extra);
      fetchDeb = import ./fetch-deb.nix { inherit lib; };
      fetchurl = import ./fetch-url.nix { inherit lib; };
      fetchpatch = final.fetchurl;

      # What a variant changes.
      compiler = toolchain.compilers.gcc12;
      buildType = "opt";
      cxxStandard = null;
      machine = {
        architecture = "x86_64";
        features = [ ];
      };

      stdenv = callPackage ./stdenv { };
      stdenvNoCC = final.stdenv;
      inherit (final.stdenv) mkDerivation;
      inherit (toolchain) locks;

      # The set again with one more overlay: `pkgs.extend (self: super: { … })`.
      extend = overlay: import ./. {
        inherit system;
        overlays = overlays ++ [ overlay ];
      };
    }
    // import ./trivial-builders.nix { inherit lib final; }
    // import ./tools { inherit lib toolchain callPackage; };
in
lib.fix (builtins.foldl' (f: overlay: lib.extends overlay f) base overlays)
