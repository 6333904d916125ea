# The part of nixpkgs' `lib` that recipes use, under the same names and with
# the same meaning, so that a recipe does not notice where it is evaluated.
let
  fixedPoints = import ./fixed-points.nix;
  parts = lib: {
    trivial = import ./trivial.nix;
    fixedPoints = fixedPoints;
    lists = import ./lists.nix;
    attrsets = import ./attrsets.nix { inherit lib; };
    strings = import ./strings.nix { inherit lib; };
    versions = import ./versions.nix { inherit lib; };
    customisation = import ./customisation.nix { inherit lib; };
    meta = import ./meta.nix { inherit lib; };
    licenses = import ./licenses.nix;
    platforms = import ./platforms.nix;
    platformTags = import ./platform-tags.nix { inherit lib; };
  };
in
fixedPoints.makeExtensible (
  lib:
  let
    p = parts lib;
  in
  p.trivial
  // p.fixedPoints
  // p.lists
  // p.attrsets
  // p.strings
  // p.customisation
  // p.meta
  // p
  // {
    maintainers = { };
  }
)
