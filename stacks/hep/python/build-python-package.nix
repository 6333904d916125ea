# A Python package from a source with a `pyproject.toml` or `setup.py`, by the pip that comes with Python: without network,
# with only what `buildSystem` and `propagatedBuildInputs` bring. Scripts keep this Python as their interpreter.
{ lib, stdenv, python, setuptools }:

{
  pname,
  version,
  source ? ".",
  buildSystem ? [ setuptools ],
  pythonImportsCheck ? [ ],
  nativeBuildInputs ? [ ],
  propagatedBuildInputs ? [ ],
  ...
}@arguments:
let
  interpreter = "${python}/bin/python${python.pythonVersion}";
in
stdenv.mkDerivation (
  {
    dontConfigure = true;
    dontBuild = true;
    installPhase = ''
      runHook preInstall
      PYTHONPATH=${python}/lib/python${python.pythonVersion}/ensurepip/_bundled/${python.bundledPip}''${PYTHONPATH:+:$PYTHONPATH} \
        ${interpreter} -m pip install --quiet --no-index --no-deps --no-build-isolation --no-compile --no-warn-script-location \
        --disable-pip-version-check --no-cache-dir --prefix="$out" ${source}
      site=$out/lib/python${python.pythonVersion}/site-packages
      # It says in which directory the build was.
      sed -i '/direct_url\.json/d' "$site"/*.dist-info/RECORD
      rm -f "$site"/*.dist-info/direct_url.json
      # Python's own way of order depends on the run.
      for record in "$site"/*.dist-info/RECORD; do LC_ALL=C sort -o "$record" "$record"; done
      SOURCE_DATE_EPOCH=1 ${interpreter} -s -m compileall -q --invalidation-mode unchecked-hash -s "$out" -p "$out" "$site"
      runHook postInstall
    '';
    doInstallCheck = pythonImportsCheck != [ ];
    installCheckPhase = ''
      (cd / && PYTHONPATH=$site''${PYTHONPATH:+:$PYTHONPATH} ${interpreter} -c ${lib.escapeShellArg "import ${lib.concatStringsSep ", " pythonImportsCheck}"})
    '';
  }
  // builtins.removeAttrs arguments [ "source" "buildSystem" "pythonImportsCheck" ]
  // {
    pname = "python${python.pythonVersion}-${pname}";
    nativeBuildInputs = nativeBuildInputs ++ buildSystem;
    propagatedBuildInputs = [ python ] ++ propagatedBuildInputs;
    # Programs of the same name give way to those for the default Python.
    meta = lib.optionalAttrs (!python.isDefault) { priority = 6; } // arguments.meta or { };
  }
)
