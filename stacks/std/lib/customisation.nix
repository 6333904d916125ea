{ lib }:
rec {
  # `f origArgs` with `.override` (other arguments of the function) and, for a
  # derivation, `.overrideDerivation`; `overrideAttrs` comes from mkDerivation
  # and stays overridable in turn.
  makeOverridable =
    f: origArgs:
    let
      result = f origArgs;
      copyArgs = g: lib.setFunctionArgs g (lib.functionArgs f);
      overrideArgs =
        newArgs: makeOverridable f (origArgs // (if lib.isFunction newArgs then newArgs origArgs else newArgs));
      overrideResult = g: makeOverridable (copyArgs (args: g (f args))) origArgs;
    in
    if builtins.isAttrs result then
      result
      // {
        override = copyArgs overrideArgs;
        overrideDerivation = change: overrideResult (x: overrideDerivation x change);
      }
      // lib.optionalAttrs (result ? overrideAttrs) {
        overrideAttrs = change: overrideResult (x: x.overrideAttrs change);
      }
    else if lib.isFunction result then
      lib.setFunctionArgs result (lib.functionArgs result) // { override = copyArgs overrideArgs; }
    else
      result;

  # Below mkDerivation: changes the derivation's own attributes.
  overrideDerivation =
    drv: change:
    let
      new = builtins.derivation (drv.drvAttrs // change drv);
    in
    extendDerivation true (lib.optionalAttrs (drv ? meta) { inherit (drv) meta; } // (drv.passthru or { })) new;

  # Adds `passthru` to a derivation and to each of its outputs.
  extendDerivation =
    condition: passthru: drv:
    let
      outputs = drv.outputs or [ "out" ];
      common =
        drv
        // builtins.listToAttrs (map outputSet outputs)
        // passthru
        // {
          all = map (o: (outputSet o).value) outputs;
        };
      outputSet = outputName: {
        name = outputName;
        value =
          common
          // {
            inherit (drv.${outputName}) type outputName;
            outputSpecified = true;
            drvPath =
              assert condition;
              drv.${outputName}.drvPath;
            outPath =
              assert condition;
              drv.${outputName}.outPath;
          };
      };
    in
    common
    // {
      drvPath =
        assert condition;
        drv.drvPath;
      outPath =
        assert condition;
        drv.outPath;
    };

  callPackageWith =
    autoArgs: fn: args:
    let
      f = if lib.isFunction fn then fn else import fn;
      formals = lib.functionArgs f;
      given = builtins.intersectAttrs formals autoArgs // args;
      missing = builtins.filter (n: !formals.${n} && !given ? ${n}) (builtins.attrNames formals);
      where = if lib.isFunction fn then "a recipe" else toString fn;
    in
    if missing == [ ] then
      makeOverridable f given
    else
      throw "callPackage: ${where} wants the argument '${builtins.head missing}', which the package set does not have";

  callPackagesWith =
    autoArgs: fn: args:
    let
      f = if lib.isFunction fn then fn else import fn;
      origArgs = builtins.intersectAttrs (lib.functionArgs f) autoArgs // args;
      pkgs = f origArgs;
    in
    builtins.mapAttrs (name: _: makeOverridable (args': (f args').${name}) origArgs) pkgs;

  makeScope =
    newScope: f:
    let
      self = f self // {
        newScope = scope: newScope (self // scope);
        callPackage = self.newScope { };
        overrideScope = overlay: makeScope newScope (lib.extends overlay f);
        packages = f;
      };
    in
    self;
}
