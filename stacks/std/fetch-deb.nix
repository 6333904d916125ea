# One file of the Debian archive by its hash: a binary package or a source
# tarball. `path` is its place inside the archive ("pool/main/z/zlib/…"); which
# mirror answers is the business of the machine that fetches.
{ lib }:
{
  path,
  hash,
  package ? lib.head (lib.splitString "_" (baseNameOf path)),
  version ? "",
  name ? lib.sanitizeDerivationName (baseNameOf path),
}:
let
  sri = lib.hasPrefix "sha256-" hash || lib.hasPrefix "sha512-" hash;
in
builtins.derivation {
  inherit
    name
    package
    version
    path
    ;
  system = "builtin";
  builder = "builtin:fetch-deb";
  outputHash = hash;
  outputHashAlgo = if sri then null else "sha256";
  outputHashMode = "flat";
  preferLocalBuild = true;
}
