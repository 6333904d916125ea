# Platform tags ARCH-OS-COMPILER-TYPE as HEP writes them, e.g.
# x86_64-debian12-gcc12-opt, x86_64_v3-debian12-gcc12-opt,
# x86_64+avx2+fma-debian12-clang16+cxx20-dbg. Each part is base(+extension)*.
{ lib }:
rec {
  # tag -> { tag; architecture; features; os; compiler; flavours; buildType; withDebug; }
  # Throws with the reason when the text is not a tag.
  parse =
    tag:
    let
      parts = lib.splitString "-" tag;
      extended = n: lib.splitString "+" (builtins.elemAt parts n);
      arch = extended 0;
      compiler = extended 2;
      type = extended 3;
    in
    if builtins.length parts != 4 || builtins.any (p: builtins.match "[A-Za-z0-9_.+]+" p == null) parts then
      throw "platform tag '${tag}' is not of the form ARCH-OS-COMPILER-TYPE, such as x86_64-debian12-gcc12-opt"
    else
      {
        inherit tag;
        architecture = builtins.head arch;
        features = builtins.tail arch;
        os = builtins.elemAt parts 1;
        compiler = builtins.head compiler;
        flavours = builtins.tail compiler;
        buildType = builtins.head type;
        withDebug = builtins.elem "g" (builtins.tail type);
      };

  # Compiler flags of the instruction set: x86_64_v3 -> -march=x86-64-v3.
  machineFlags =
    { architecture, features, ... }:
    let
      level = builtins.match "x86_64_(v[234])" architecture;
    in
    (
      if architecture == "x86_64" then
        [ ]
      else if level != null then
        [ "-march=x86-64-${builtins.head level}" ]
      else
        [ "-march=${builtins.replaceStrings [ "_" ] [ "-" ] architecture}" ]
    )
    ++ map (f: "-m${builtins.replaceStrings [ "_" ] [ "." ] f}") features;
}
