{ callPackage, sources }:

callPackage ../python/cpython.nix {
  version = "3.13.5";
  src = sources."python3.13";
  bundledPip = "pip-25.1.1-py3-none-any.whl";
}
