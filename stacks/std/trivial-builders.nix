# Small derivations without phases, by nixpkgs' names.
{ lib, final }:
rec {
  runCommand = runCommandCC;
  runCommandNoCC = runCommandCC;
  runCommandLocal = runCommandCC;
  runCommandCC =
    name: attrs: buildCommand:
    final.stdenv.mkDerivation (
      {
        inherit name buildCommand;
        separateDebugInfo = false;
        passAsFile = [ "buildCommand" ] ++ attrs.passAsFile or [ ];
      }
      // builtins.removeAttrs attrs [ "passAsFile" ]
    );

  writeTextFile =
    {
      name,
      text,
      executable ? false,
      destination ? "",
      checkPhase ? "",
      meta ? { },
    }:
    runCommand name
      {
        inherit text executable checkPhase meta;
        passAsFile = [ "text" ];
      }
      ''
        target=$out${lib.escapeShellArg destination}
        mkdir -p "$(dirname "$target")"
        cp "$textPath" "$target"
        if [ -n "$executable" ]; then chmod +x "$target"; fi
        eval "$checkPhase"
      '';
  writeText = name: text: writeTextFile { inherit name text; };
  writeTextDir =
    path: text:
    writeTextFile {
      name = baseNameOf path;
      destination = "/${path}";
      inherit text;
    };
  writeScript =
    name: text:
    writeTextFile {
      inherit name text;
      executable = true;
    };
  writeScriptBin =
    name: text:
    writeTextFile {
      inherit name text;
      executable = true;
      destination = "/bin/${name}";
      meta.mainProgram = name;
    };
  writeShellScript = name: text: writeScript name "#!${final.runtimeShell}\n${text}";
  writeShellScriptBin = name: text: writeScriptBin name "#!${final.runtimeShell}\n${text}";

  runtimeShellPackage = final.toolchain.bash;
  runtimeShell = "${final.toolchain.bash}/bin/bash";

  # One tree of symbolic links into several packages; the first one wins.
  symlinkJoin =
    {
      name,
      paths,
      postBuild ? "",
      ...
    }@args:
    runCommand name
      (
        builtins.removeAttrs args [ "name" "postBuild" ]
        // {
          inherit paths;
        }
      )
      ''
        mkdir -p $out
        for path in $paths; do
          (cd "$path" && find . -type d -exec mkdir -p "$out/{}" \; && find . ! -type d -print0) |
            while IFS= read -r -d "" file; do
              [ -e "$out/$file" ] || ln -s "$path/''${file#./}" "$out/$file"
            done
        done
        ${postBuild}
      '';
  linkFarm =
    name: entries:
    runCommand name { } (
      "mkdir -p $out\n"
      + lib.concatMapStrings (e: ''
        mkdir -p "$(dirname "$out/${e.name}")"
        ln -s ${e.path} "$out/${e.name}"
      '') entries
    );
}
