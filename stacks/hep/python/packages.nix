# The packages of one Python: `python311Packages`, `python313Packages`. Their sources are the same for all.
{ lib, newScope, python, sources, fastjet }:

lib.makeScope newScope (self: {
  recurseForDerivations = true;
  inherit python;
  buildPythonPackage = self.callPackage ./build-python-package.nix { };

  setuptools = self.buildPythonPackage {
    pname = "setuptools";
    version = "78.1.1";
    src = sources.setuptools;
    # It is built by itself.
    buildSystem = [ ];
    pythonImportsCheck = [ "setuptools" ];
    meta = {
      description = "Build system of Python packages";
      license = lib.licenses.mit;
    };
  };

  # The one that comes with Python, to add packages for oneself: `python3.11 -m pip install --user …`, or in a venv.
  pip = self.buildPythonPackage {
    pname = "pip";
    version = lib.removeSuffix "-py3-none-any.whl" (lib.removePrefix "pip-" python.bundledPip);
    dontUnpack = true;
    source = "${python}/lib/python${python.pythonVersion}/ensurepip/_bundled/${python.bundledPip}";
    buildSystem = [ ];
    pythonImportsCheck = [ "pip" ];
    meta = {
      description = "Installer of Python packages";
      mainProgram = "pip";
      license = lib.licenses.mit;
    };
  };

  tabulate = self.buildPythonPackage {
    pname = "tabulate";
    version = "0.9.0";
    src = sources.python-tabulate;
    # Upstream takes the version from its repository.
    postPatch = ''
      substituteInPlace pyproject.toml --replace-fail 'dynamic = ["version"]' 'version = "0.9.0"'
    '';
    pythonImportsCheck = [ "tabulate" ];
    meta = {
      description = "Tables as text";
      mainProgram = "tabulate";
      license = lib.licenses.mit;
    };
  };

  fastjet = self.callPackage ./fastjet.nix { inherit fastjet; };
})
