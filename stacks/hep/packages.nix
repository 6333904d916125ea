# name = recipe; a recipe's arguments come from the set itself.
final: prev:
let
  lib = prev.lib;
  lock = lib.importJSON ../toolchain/sources.lock;
  recipes = builtins.readDir ./packages;
in
{
  # Pinned upstream tarballs, by the name of the Debian source package.
  sources = builtins.mapAttrs (
    package: pin:
    final.fetchDeb {
      inherit package;
      inherit (pin) version path;
      hash = pin.sha256;
    }
  ) lock;

  python311Packages = final.callPackage ./python/packages.nix { python = final.python311; };
  python313Packages = final.callPackage ./python/packages.nix { python = final.python313; };
}
// lib.mapAttrs' (file: _: {
  name = lib.removeSuffix ".nix" file;
  value = final.callPackage (./packages + "/${file}") { };
}) recipes
