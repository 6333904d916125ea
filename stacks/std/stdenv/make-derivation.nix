# mkDerivation, in both forms: an attribute set, or a function of the final
# attributes (`finalAttrs: { … }`).
{
  lib,
  system,
  setup,
  cc,
  compiler,
  debugInfo,
  # Hooks of the variant, before a package's own.
  extraNativeBuildInputs ? [ ],
}:
let
  notForTheBuilder = [
    "meta"
    "passthru"
    "pos"
    "env"
    "outputs"
    "name"
    "separateDebugInfo"
    "allowedRequisites"
  ];

  inputs = list: map lib.getDev (builtins.filter (x: x != null) (lib.flatten list));

  make =
    rattrs:
    let
      finalAttrs = (rattrs finalAttrs) // { finalPackage = final; };
      attrs = builtins.removeAttrs finalAttrs [ "finalPackage" ];
      pname = attrs.pname or (lib.getName attrs.name);
      separateDebugInfo = attrs.separateDebugInfo or debugInfo && !(attrs.dontSplitDebug or false);
      outputs = attrs.outputs or [ "out" ] ++ lib.optional (separateDebugInfo && !builtins.elem "debug" (attrs.outputs or [ ])) "debug";
      isFixedOutput = attrs ? outputHash;

      derivationArgs =
        builtins.removeAttrs attrs notForTheBuilder
        // (attrs.env or { })
        // {
          name =
            attrs.name
              or "${pname}-${attrs.version or (throw "mkDerivation: '${pname}' has neither `name` nor `version`")}";
          inherit system;
          builder = attrs.realBuilder or "/bin/bash";
          args = attrs.args or [
            "-e"
            (attrs.builder or ./default-builder.sh)
          ];
          stdenv = setup;
          sandboxRoot = compiler.root;
          inherit outputs;
          nativeBuildInputs = inputs (extraNativeBuildInputs ++ attrs.nativeBuildInputs or [ ]);
          buildInputs = inputs (attrs.buildInputs or [ ]);
          propagatedBuildInputs = inputs (attrs.propagatedBuildInputs or [ ]);
          propagatedNativeBuildInputs = inputs (attrs.propagatedNativeBuildInputs or [ ]);
          enableParallelBuilding = attrs.enableParallelBuilding or true;
        }
        // lib.optionalAttrs (attrs ? nativeCheckInputs) { nativeCheckInputs = inputs attrs.nativeCheckInputs; }
        // lib.optionalAttrs (attrs ? checkInputs) { checkInputs = inputs attrs.checkInputs; }
        // lib.optionalAttrs separateDebugInfo { separateDebugInfo = true; }
        // lib.optionalAttrs (attrs ? hardeningDisable) { hardeningDisable = attrs.hardeningDisable; }
        // lib.optionalAttrs (!isFixedOutput) {
          # A product that names the tools that made it would drag them along.
          disallowedReferences = attrs.disallowedReferences or [ ] ++ [
            compiler.root
            setup
            cc
          ];
        };

      drv = builtins.derivation (lib.filterAttrs (_: v: v != null) derivationArgs);

      meta =
        {
          platforms = [ system ];
          outputsToInstall = [ (if builtins.elem "bin" outputs then "bin" else builtins.head outputs) ];
        }
        // attrs.meta or { };

      final = lib.extendDerivation true (
        {
          inherit meta;
          passthru = attrs.passthru or { };
          overrideAttrs =
            change:
            make (
              self:
              let
                previous = rattrs self;
              in
              previous
              // (
                if lib.isFunction change then
                  let
                    once = change previous;
                  in
                  # `final: prev: { … }`, or the older `prev: { … }`.
                  if lib.isFunction once then change self previous else once
                else
                  change
              )
            );
        }
        // attrs.passthru or { }
      ) drv;
    in
    final;
in
fnOrAttrs: make (if lib.isFunction fnOrAttrs then fnOrAttrs else _: fnOrAttrs)
