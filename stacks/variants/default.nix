# A platform tag as a list of overlays. Every file beside this one is a variant.
{ lib }:
let
  known = lib.filterAttrs (n: _: n != "default.nix" && lib.hasSuffix ".nix" n) (builtins.readDir ./.);
  names = map (lib.removeSuffix ".nix") (lib.attrNames known);
  variant =
    tag: name:
    if builtins.elem name names then
      import (./. + "/${name}.nix")
    else
      throw "platform '${tag}': there is no variant '${name}'; there are ${lib.concatStringsSep ", " names}";
in
{
  inherit names;
  overlaysFor =
    tag:
    let
      platform = lib.platformTags.parse tag;
    in
    if platform.os != "debian12" then
      throw "platform '${tag}': the sealed toolchain is that of debian12, not of '${platform.os}'"
    else
      [
        (variant tag platform.compiler)
        (variant tag (platform.buildType + lib.optionalString platform.withDebug "+g"))
        (final: prev: { machine = { inherit (platform) architecture features; }; })
      ]
      ++ map (variant tag) platform.flavours;
}
