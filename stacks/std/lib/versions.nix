{ lib }:
{
  inherit (builtins) splitVersion;
  major = v: builtins.elemAt (builtins.splitVersion v) 0;
  minor = v: builtins.elemAt (builtins.splitVersion v) 1;
  patch = v: builtins.elemAt (builtins.splitVersion v) 2;
  majorMinor = v: builtins.concatStringsSep "." (lib.take 2 (builtins.splitVersion v));
}
