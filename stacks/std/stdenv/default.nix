# The standard environment of one variant: compiler wrapper, setup script and
# mkDerivation. Each argument is something a variant may change, and
# `stdenv.override { … }` reaches all of them.
{
  lib,
  system,
  toolchain,
  compiler,
  buildType ? "opt",
  cxxStandard ? null,
  machine ? {
    architecture = "x86_64";
    features = [ ];
  },
  # Added to every compilation, before what a package says itself.
  extraFlags ? [ ],
}:
let
  buildTypes = {
    opt = {
      flags = [ "-O2" ];
      cmake = "Release";
      define = [ "-DNDEBUG" ];
      debugInfo = false;
      keepSymbols = false;
      # Whether a package's own -O3 loses to the build type.
      force = false;
    };
    "opt+g" = buildTypes.opt // {
      flags = [ "-O2" "-g" ];
      cmake = "RelWithDebInfo";
      debugInfo = true;
    };
    dbg = {
      flags = [ "-Og" "-g" "-fno-omit-frame-pointer" ];
      cmake = "Debug";
      define = [ ];
      debugInfo = true;
      keepSymbols = true;
      force = true;
    };
    do0 = buildTypes.dbg // {
      flags = [ "-O0" "-g" ];
    };
  };
  type =
    buildTypes.${buildType}
      or (throw "build type '${buildType}' is not one of ${lib.concatStringsSep ", " (lib.attrNames buildTypes)}");

  cc = import ./cc-wrapper.nix {
    inherit lib toolchain compiler cxxStandard;
    forceOptimisation = type.force;
    flags = type.flags ++ lib.platformTags.machineFlags machine ++ extraFlags;
  };

  setup = toolchain.boot "stdenv-${compiler.name}-${buildType}" ./make-setup.sh {
    inherit cc;
    setup = ./setup.sh;
    fixup = ./fixup.sh;
    bind = ./bind-libraries.sh;
    build = ./build-systems.sh;
    buildType = type.cmake;
    buildFlags = type.flags;
    splitDebugInfo = type.debugInfo && !type.keepSymbols;
    inherit (type) keepSymbols;
  };

  # It depends on no compiler: one is enough for all variants.
  embeddedDebugInfoHook = toolchain.boot "embedded-debug-info-hook" ../tools/make-tool.sh {
    hook = ./embedded-debug-info.sh;
  };

  mkDerivation = import ./make-derivation.nix {
    inherit
      lib
      system
      setup
      cc
      compiler
      ;
    debugInfo = type.debugInfo;
    extraNativeBuildInputs = lib.optional type.keepSymbols embeddedDebugInfoHook;
  };

  hostPlatform = {
    inherit system;
    config = "x86_64-unknown-linux-gnu";
    isx86_64 = true;
    isx86 = true;
    isAarch64 = false;
    is64bit = true;
    isLinux = true;
    isDarwin = false;
    isUnix = true;
    isMusl = false;
    isStatic = false;
    isLittleEndian = true;
    parsed.cpu.name = "x86_64";
    extensions = {
      sharedLibrary = ".so";
      staticLibrary = ".a";
      executable = "";
    };
    canExecute = _: true;
  };
in
setup
// {
  inherit
    mkDerivation
    cc
    system
    hostPlatform
    lib
    buildType
    cxxStandard
    ;
  buildPlatform = hostPlatform;
  targetPlatform = hostPlatform;
  shell = "/bin/bash";
  isLinux = true;
  is64bit = true;
  isDarwin = false;
  # The tree that the sandbox shows at /usr.
  root = compiler.root;
}
