# What scripts/warm-up.cjs evaluates so that V8 compiles what evaluations use: a package set in small.
{ edit ? 0, text ? true }:
let
  fix = f: let x = f x; in x;
  extends = f: base: self: let super = base self; in super // f self super;
  makeOverridable = f: args: f args // { override = more: makeOverridable f (args // more); };
  callPackageWith = pkgs: f: args: makeOverridable f (builtins.intersectAttrs (builtins.functionArgs f) pkgs // args);
  optionals = condition: list: if condition then list else [ ];
  hasPrefix = prefix: text: builtins.substring 0 (builtins.stringLength prefix) text == prefix;

  mkDerivation = { name, version, buildInputs ? [ ], meta ? { }, passthru ? { }, ... }@attrs:
    derivation (removeAttrs attrs [ "meta" "passthru" "version" ] // {
      name = "${name}-${version}";
      system = builtins.currentSystem;
      builder = "/bin/sh";
      args = [ "-e" (builtins.toFile "builder.sh" "echo \"$text\" > $out\n") ];
      outputs = [ "out" "dev" ];
      nativeBuildInputs = map (input: input.dev or input) buildInputs;
      config = builtins.toJSON { inherit version; list = [ 1 2.5 true null "x" ]; };
      src = ./warm-up.nix;
    }) // passthru // {
      inherit version passthru;
      meta = { position = builtins.unsafeGetAttrPos "name" attrs; priority = 10; } // meta;
    };

  packages = self: super: with self; rec {
    callPackage = callPackageWith self;
    zero = callPackage ({ flag ? false }: mkDerivation { name = "zero"; version = "1.${toString edit}"; inherit flag; }) { };
    one = callPackage ({ zero }: mkDerivation { name = "one"; version = "2.0"; buildInputs = [ zero ]; }) { };
    two = (callPackage ({ zero, one, flag ? true }: assert flag -> one != null; mkDerivation {
      name = "two";
      version = builtins.replaceStrings [ "." ] [ "_" ] one.version;
      buildInputs = [ zero one ] ++ optionals flag [ one.out ];
      "dyn${"amic"}" = zero.meta.priority + 1 - 2 * 3 / 4;
      text = ''
        ${builtins.concatStringsSep "\n" (builtins.genList (n: "line ${toString n} of ${one}") 3)}
          done ''${kept}
      '';
    }) { }).override { flag = !false; };
    all = builtins.listToAttrs (map (name: { inherit name; value = self.${name}; }) [ "zero" "one" "two" ]);
  };
  overlay = self: super: { three = super.two.override { one = self.zero; }; };
  set = fix (extends overlay (extends packages (self: { })));
  hash = text: builtins.hashString "sha256" text;
  facts = {
    paths = builtins.mapAttrs (name: package: package.drvPath) (removeAttrs set.all [ ] // { inherit (set) three; });
    sorted = builtins.sort (a: b: a < b) [ 3 1 2 ] ++ builtins.filter (x: x > 1) [ 1 2 ];
    folded = builtins.foldl' (a: b: a + b) 0 (builtins.genList (i: i) 10);
    parts = builtins.filter builtins.isString (builtins.split "([a-z]+)" "a1b2") ++ builtins.match "(.)(.*)" "xyz";
    read = builtins.fromJSON ''{"a": [1, 2.5, "x\n", {"b": null}], "c": true}'';
    tested = [ (builtins.tryEval (throw "no")).success (hasPrefix "a" "ab") (set ? zero.out) (builtins.isAttrs set || false) ];
    found = builtins.pathExists ./warm-up.nix && builtins.hasAttr "two" set;
    hash = builtins.hashString "sha256" (builtins.readFile ./warm-up.nix);
    merged = builtins.concatLists [ [ 1 ] [ 2 ] ] ++ builtins.attrValues { a = 1; } ++ builtins.concatMap (x: [ x ]) [ 1 ];
    fixed = (derivation {
      name = "fixed";
      system = "any";
      builder = "builtin:fetchurl";
      outputHash = "1b0ri5w6y4ywh4y8sv2kzhpz6d0c3pzyz3a0jv2ymslnmp4kb0x1";
      outputHashAlgo = "sha256";
      outputHashMode = "flat";
    }).outPath;
    source = (import <nix/fetchurl.nix> { url = "http://localhost/x"; sha256 = hash "x"; }).drvPath;
    search = (builtins.tryEval <nowhere>).success || builtins.length builtins.nixPath > 100;
    scoped = with { a = 1; }; with { b = 2; }; a + b;
    many = (a: b: c: d: [ a b c d ]) 1 2 3 4 ++ (a: b: { c }: d: e: [ c e ]) 1 2 { c = 3; } 4 5 ++ (a: b: c: [ c ]) 1 2 3;
    equal = { a = [ 1 "x" null ]; } == { a = [ 1 "x" null ]; } && set.zero == set.zero && "a" != "b";
    places = set.two.meta.position;
    listed = [ (builtins.elemAt [ 1 2 ] 1) (builtins.head [ 1 ]) (builtins.length (builtins.catAttrs "a" [ { a = 1; } ])) ];
    named = builtins.parseDrvName "name-1.0" // { file = baseNameOf ./warm-up.nix; directory = baseNameOf (dirOf "/a/b"); };
    asked = builtins.all (x: x) [ (builtins.isList [ ]) (builtins.isNull null) (builtins.isFunction set.callPackage) ]
      && builtins.any (x: x) [ (builtins.isString "x") (builtins.isInt 1) (builtins.isBool true) ];
    plain = builtins.unsafeDiscardStringContext "${set.zero}" + toString ./warm-up.nix + toString [ 1 "x" ];
    version = builtins.compareVersions "1.2" "1.10" < 0 && builtins.elem 1 [ 1 ] && builtins.getEnv "HOME" != "none";
  };
in
builtins.deepSeq facts (if text then builtins.toJSON facts else set)
