{ callPackage, sources }:

callPackage ../python/cpython.nix {
  version = "3.11.2";
  src = sources."python3.11";
  bundledPip = "pip-22.3.1-py3-none-any.whl";
  isDefault = true;
}
