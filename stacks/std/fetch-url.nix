# A file of the network by its hash, with nixpkgs' arguments.
{ lib }:
{
  url ? null,
  urls ? [ url ],
  hash ? "",
  sha256 ? "",
  sha512 ? "",
  sha1 ? "",
  md5 ? "",
  name ? lib.sanitizeDerivationName (baseNameOf (toString (builtins.head urls))),
  executable ? false,
  passthru ? { },
  meta ? { },
  ...
}:
let
  given =
    if hash != "" then
      { outputHash = hash; outputHashAlgo = null; }
    else if sha256 != "" then
      { outputHash = sha256; outputHashAlgo = "sha256"; }
    else if sha512 != "" then
      { outputHash = sha512; outputHashAlgo = "sha512"; }
    else if sha1 != "" then
      { outputHash = sha1; outputHashAlgo = "sha1"; }
    else if md5 != "" then
      { outputHash = md5; outputHashAlgo = "md5"; }
    else
      throw "fetchurl: no hash is given for ${builtins.head urls}";
in
builtins.derivation (
  {
    inherit name executable;
    system = "builtin";
    builder = "builtin:fetchurl";
    url = builtins.head urls;
    urls = urls;
    unpack = false;
    outputHashMode = if executable then "recursive" else "flat";
    preferLocalBuild = true;
  }
  // (if given.outputHashAlgo == null then builtins.removeAttrs given [ "outputHashAlgo" ] else given)
)
// passthru
// { inherit meta; }
