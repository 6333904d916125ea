/**
 * `sourceInfo: subdirectory: flake`. `sourceInfo.outPath` is the tree (path or string with context). The file
 * `flake.lock` is a graph: each node says what it was locked to (`locked`), and under which names it takes which nodes
 * (`inputs`: a node's name, or a list of names to follow from the root). A node that is locked to a relative path lies
 * in the tree of its parent.
 */
export const FLAKE_EXPRESSION = `
let
  inherit (builtins) foldl' fromJSON isFunction isList mapAttrs pathExists readFile substring;

  below = path: directory: if directory == "" then path else path + ("/" + directory);

  # A flake of known inputs. Its outputs see themselves as "self".
  makeFlake = sourceInfo: directory: inputs:
    let
      flake = import (directory + "/flake.nix");
      outputs = flake.outputs (inputs // { inherit self; });
      self = outputs // sourceInfo // {
        outPath = directory;
        inherit inputs outputs sourceInfo;
        _type = "flake";
      };
    in
    if isFunction flake.outputs then self
    else throw "the attribute 'outputs' of the flake '\${toString directory}' is no function";

  makeInput = isFlake: sourceInfo: directory: inputs:
    if isFlake then makeFlake sourceInfo directory inputs
    else sourceInfo // { inherit sourceInfo; outPath = directory; };

  locked = rootInfo: rootDirectory: lock:
    let
      nodeOf = spec: if isList spec then foldl' step lock.root spec else spec;
      step = node: input: nodeOf lock.nodes.\${node}.inputs.\${input};
      nodes = mapAttrs makeNode lock.nodes;
      makeNode = name: node:
        let
          isRoot = name == lock.root;
          isRelative =
            !isRoot && node.locked.type or null == "path" && substring 0 1 node.locked.path != "/";
          parent = nodes.\${nodeOf (node.parent or [ ])};
          sourceInfo =
            if isRoot then rootInfo
            else if isRelative then parent.sourceInfo
            else builtins.fetchTree (removeAttrs node.locked [ "dir" ]);
          base = if isRelative then below parent.directory node.locked.path else sourceInfo.outPath;
          directory = if isRoot then rootDirectory else below base (node.locked.dir or "");
          inputs = mapAttrs (_: spec: nodes.\${nodeOf spec}.value) (node.inputs or { });
        in
        {
          inherit directory sourceInfo;
          value = makeInput (node.flake or true) sourceInfo directory inputs;
        };
    in
    nodes.\${lock.root}.value;

  unlocked = sourceInfo: directory:
    let
      declared = (import (directory + "/flake.nix")).inputs or { };
      inputs = mapAttrs fetchInput (removeAttrs declared [ "self" ]);
      fetchInput = name: input:
        if input ? follows then inputs.\${input.follows}
        else if input ? inputs then
          throw "the input '\${name}' of the flake '\${toString directory}' changes inputs of its own: that needs a flake.lock"
        else
          let
            reference =
              if input ? url then builtins.parseFlakeRef input.url
              else if input ? type then removeAttrs input [ "flake" ]
              else builtins.parseFlakeRef name;
            info = builtins.fetchTree (removeAttrs reference [ "dir" ]);
            place = below info.outPath (reference.dir or "");
          in
          if input.flake or true then callFlake info place else makeInput false info place { };
    in
    makeFlake sourceInfo directory inputs;

  callFlake = sourceInfo: directory:
    let file = directory + "/flake.lock";
    in
    if pathExists file then locked sourceInfo directory (fromJSON (readFile file))
    else unlocked sourceInfo directory;
in
sourceInfo: subdirectory: callFlake sourceInfo (below sourceInfo.outPath subdirectory)
`
