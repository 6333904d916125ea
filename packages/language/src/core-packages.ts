/** Files that come with the language: `<nix/fetchurl.nix>` is found without any search path. */

export const CORE_PACKAGE_PREFIX = '/__corepkgs__/'

/**
 * `<nix/fetchurl.nix>`: a derivation that the builder `builtin:fetchurl` downloads. Its attributes enter hashes and so
 * must be exactly these.
 */
const FETCHURL = `
{ system ? ""
, url
, hash ? ""
, md5 ? "", sha1 ? "", sha256 ? "", sha512 ? ""
, outputHash ?
    if hash != "" then hash else if sha512 != "" then sha512 else if sha1 != "" then sha1 else if md5 != "" then md5 else sha256
, outputHashAlgo ?
    if hash != "" then "" else if sha512 != "" then "sha512" else if sha1 != "" then "sha1" else if md5 != "" then "md5" else "sha256"
, executable ? false
, unpack ? false
, name ? baseNameOf (toString url)
}:

derivation {
  builder = "builtin:fetchurl";
  outputHashMode = if unpack || executable then "recursive" else "flat";
  inherit name url executable unpack outputHashAlgo outputHash;
  system = "builtin";
  preferLocalBuild = true;
  impureEnvVars = [ "http_proxy" "https_proxy" "ftp_proxy" "all_proxy" "no_proxy" ];
  urls = [ url ];
}
`

export const CORE_PACKAGES: ReadonlyMap<string, string> = new Map([['fetchurl.nix', FETCHURL]])
