{ lib }:
rec {
  inherit (builtins)
    concatStringsSep
    replaceStrings
    stringLength
    substring
    toJSON
    fromJSON
    compareVersions
    splitVersion
    ;
  versionOlder = v1: v2: builtins.compareVersions v2 v1 == 1;
  versionAtLeast = v1: v2: !versionOlder v1 v2;
  concatStrings = builtins.concatStringsSep "";
  concatMapStrings = f: list: concatStrings (map f list);
  concatMapStringsSep = sep: f: list: builtins.concatStringsSep sep (map f list);
  concatImapStringsSep = sep: f: list: builtins.concatStringsSep sep (lib.imap1 f list);
  concatLines = concatMapStrings (s: s + "\n");
  intersperse =
    sep: list:
    if builtins.length list < 2 then
      list
    else
      [ (builtins.head list) ] ++ builtins.concatMap (x: [ sep x ]) (builtins.tail list);
  optionalString = condition: s: if condition then s else "";
  hasPrefix = prefix: s: builtins.substring 0 (builtins.stringLength prefix) s == prefix;
  hasSuffix =
    suffix: s:
    let
      n = builtins.stringLength s;
      m = builtins.stringLength suffix;
    in
    n >= m && builtins.substring (n - m) m s == suffix;
  hasInfix = infix: s: builtins.match ".*${escapeRegex infix}.*" "${s}" != null;
  removePrefix =
    prefix: s:
    if hasPrefix prefix s then builtins.substring (builtins.stringLength prefix) (-1) s else s;
  removeSuffix =
    suffix: s:
    if hasSuffix suffix s then
      builtins.substring 0 (builtins.stringLength s - builtins.stringLength suffix) s
    else
      s;
  splitString = sep: s: builtins.filter builtins.isString (builtins.split (escapeRegex sep) "${s}");
  stringToCharacters = s: map (i: builtins.substring i 1 s) (lib.range 0 (builtins.stringLength s - 1));
  escape = chars: builtins.replaceStrings chars (map (c: "\\${c}") chars);
  escapeRegex = escape (stringToCharacters "\\[{()^$?*+|.");
  escapeShellArg = arg: "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] (toString arg)}'";
  escapeShellArgs = concatMapStringsSep " " escapeShellArg;
  escapeNixString = s: escape [ "$" ] (builtins.toJSON s);
  toLower = builtins.replaceStrings upperChars lowerChars;
  toUpper = builtins.replaceStrings lowerChars upperChars;
  lowerChars = stringToCharacters "abcdefghijklmnopqrstuvwxyz";
  upperChars = stringToCharacters "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  toInt =
    s:
    let
      n = builtins.fromJSON s;
    in
    if builtins.isInt n then n else throw "cannot read '${s}' as an integer";
  fixedWidthString =
    width: filler: s:
    if builtins.stringLength s >= width then s else fixedWidthString width filler (filler + s);
  makeSearchPath =
    directory: packages:
    builtins.concatStringsSep ":" (map (p: "${p}/${directory}") (builtins.filter (p: p != null) packages));
  makeSearchPathOutput =
    output: directory: packages:
    makeSearchPath directory (map (lib.getOutput output) packages);
  makeLibraryPath = makeSearchPathOutput "lib" "lib";
  makeBinPath = makeSearchPathOutput "bin" "bin";
  makeIncludePath = makeSearchPathOutput "dev" "include";
  enableFeature = enable: feature: "--${if enable then "enable" else "disable"}-${feature}";
  enableFeatureAs = enable: feature: value: enableFeature enable feature + optionalString enable "=${value}";
  withFeature = with_: feature: "--${if with_ then "with" else "without"}-${feature}";
  withFeatureAs = with_: feature: value: withFeature with_ feature + optionalString with_ "=${value}";
  cmakeOptionType =
    type: feature: value:
    "-D${feature}:${type}=${value}";
  cmakeBool = feature: condition: cmakeOptionType "BOOL" feature (if condition then "TRUE" else "FALSE");
  cmakeFeature = cmakeOptionType "STRING";
  getName =
    x: if builtins.isString x then (builtins.parseDrvName x).name else x.pname or (builtins.parseDrvName x.name).name;
  getVersion =
    x:
    if builtins.isString x then (builtins.parseDrvName x).version else x.version or (builtins.parseDrvName x.name).version;
  # A name that the store accepts.
  sanitizeDerivationName =
    name: builtins.concatStringsSep "-" (builtins.filter builtins.isString (builtins.split "[^0-9A-Za-z+._?=-]+" name));
}
