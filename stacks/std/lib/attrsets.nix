{ lib }:
rec {
  inherit (builtins)
    attrNames
    attrValues
    catAttrs
    getAttr
    hasAttr
    intersectAttrs
    listToAttrs
    mapAttrs
    removeAttrs
    ;
  nameValuePair = name: value: { inherit name value; };
  optionalAttrs = condition: attrs: if condition then attrs else { };
  attrByPath =
    path: default: attrs:
    if path == [ ] then
      attrs
    else if attrs ? ${builtins.head path} then
      attrByPath (builtins.tail path) default attrs.${builtins.head path}
    else
      default;
  hasAttrByPath =
    path: attrs:
    path == [ ]
    || (attrs ? ${builtins.head path} && hasAttrByPath (builtins.tail path) attrs.${builtins.head path});
  setAttrByPath =
    path: value:
    if path == [ ] then value else { ${builtins.head path} = setAttrByPath (builtins.tail path) value; };
  getAttrFromPath =
    path: attrByPath path (throw "cannot find attribute '${builtins.concatStringsSep "." path}'");
  genAttrs = names: f: builtins.listToAttrs (map (n: nameValuePair n (f n)) names);
  filterAttrs =
    predicate: attrs:
    builtins.listToAttrs (
      builtins.concatMap (
        n: if predicate n attrs.${n} then [ (nameValuePair n attrs.${n}) ] else [ ]
      ) (builtins.attrNames attrs)
    );
  mapAttrs' = f: attrs: builtins.listToAttrs (map (n: f n attrs.${n}) (builtins.attrNames attrs));
  mapAttrsToList = f: attrs: map (n: f n attrs.${n}) (builtins.attrNames attrs);
  concatMapAttrs =
    f: attrs: builtins.foldl' (a: b: a // b) { } (builtins.attrValues (builtins.mapAttrs f attrs));
  foldAttrs =
    f: nul: sets:
    lib.foldr (
      attrs: acc: builtins.foldl' (a: n: a // { ${n} = f attrs.${n} (a.${n} or nul); }) acc (builtins.attrNames attrs)
    ) { } sets;
  recursiveUpdate =
    a: b:
    a
    // builtins.mapAttrs (
      n: v: if a ? ${n} && builtins.isAttrs a.${n} && builtins.isAttrs v then recursiveUpdate a.${n} v else v
    ) b;
  isDerivation = x: (x.type or null) == "derivation";
  recurseIntoAttrs = attrs: attrs // { recurseForDerivations = true; };
  dontRecurseIntoAttrs = attrs: attrs // { recurseForDerivations = false; };

  # Outputs of a package, with nixpkgs' fallbacks.
  getOutput =
    output: package:
    if package.outputSpecified or false then package else package.${output} or package.out or package;
  getBin = getOutput "bin";
  getLib = getOutput "lib";
  getDev = getOutput "dev";
  getMan = getOutput "man";
  chooseDevOutputs = map getDev;
}
