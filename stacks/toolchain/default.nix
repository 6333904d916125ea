# The sealed toolchain: compilers and tools as Debian 12 built them, pinned by
# hash (debs.lock), laid out as trees that the sandbox mounts at /usr, and the
# runtime (C and compiler libraries) that products keep in their closure.
# The builders beside this file say why each step is taken.
{ lib, fetchDeb, system }:
let
  lock = lib.importJSON ./debs.lock;
  roots = import ./roots.nix;

  deb =
    name:
    let
      pin = lock.${name} or (throw "toolchain: '${name}' is not in toolchain/debs.lock");
    in
    fetchDeb {
      package = name;
      inherit (pin) version path;
      hash = pin.sha256;
    };

  tree =
    name: archives: links:
    builtins.derivation {
      inherit name;
      system = "builtin";
      builder = "builtin:unpack-tree";
      inherit archives;
      links = lib.concatStringsSep "\n" (lib.mapAttrsToList (link: target: "${link} ${target}") links);
      # Only `usr` is mounted; documents would be hashed and scanned for nothing.
      remove = lib.concatStringsSep "\n" (
        [ "etc" "var" "home" "root" "run" ]
        ++ map (d: "usr/share/${d}") [
          "bash-completion"
          "bug"
          "doc"
          "doc-base"
          "emacs"
          "gdb"
          "info"
          "lintian"
          "locale"
          "man"
          "mime"
          "vim"
        ]
      );
      preferLocalBuild = true;
    };

  # What the packages' maintainer scripts would have linked.
  commonLinks = {
    "usr/bin/sh" = "bash";
  };
  toolLinks = commonLinks // {
    "usr/bin/aclocal" = "aclocal-1.16";
    "usr/bin/automake" = "automake-1.16";
    "usr/bin/awk" = "gawk";
    "usr/bin/lzma" = "xz";
    "usr/bin/nawk" = "gawk";
    "usr/bin/python3" = "python3.11";
    "usr/bin/which" = "which.debianutils";
    "usr/bin/yacc" = "bison.yacc";
  };
  gccLinks =
    v:
    lib.listToAttrs (
      map (n: lib.nameValuePair "usr/bin/${n}" "${n}-${v}") [
        "cpp"
        "gcc"
        "gcc-ar"
        "gcc-nm"
        "gcc-ranlib"
        "gcov"
        "gfortran"
        "g++"
      ]
    )
    // {
      "usr/bin/cc" = "gcc-${v}";
      "usr/bin/c++" = "g++-${v}";
      "usr/bin/f77" = "gfortran-${v}";
    };
  clangLinks = v: {
    "usr/bin/clang" = "clang-${v}";
    "usr/bin/clang++" = "clang++-${v}";
    "usr/bin/clang-cpp" = "clang-cpp-${v}";
    "usr/bin/ld.lld" = "ld.lld-${v}";
    "usr/bin/cc" = "clang-${v}";
    "usr/bin/c++" = "clang++-${v}";
    "usr/bin/cpp" = "clang-cpp-${v}";
  };

  # Nine tenths of every build root, unpacked once for all compilers; it needs
  # none of them to prepare the runtime.
  commonRoot = tree "buildroot-common" (map deb roots.common) commonLinks;

  buildRoot =
    compiler: links:
    tree "buildroot-${compiler}" ([ commonRoot ] ++ map deb roots.${compiler}) (toolLinks // links);

  # A derivation of a bash script that needs no compiler.
  boot =
    name: script: attrs:
    builtins.derivation (
      {
        inherit name system;
        builder = "/bin/bash";
        args = [ "-e" script ];
        sandboxRoot = commonRoot;
        PATH = "/usr/bin";
        LC_ALL = "C";
      }
      // attrs
    );

  gccVersion = "12.2.0";

  bind = ../std/stdenv/bind-libraries.sh;
in
rec {
  inherit boot deb;

  # Kept by `baryon stack lock` and `baryon stack update`.
  locks = [
    {
      file = toString ./debs.lock;
      kind = "binary";
      architecture = "amd64";
      names = lib.unique (lib.concatLists (lib.attrValues roots));
    }
    {
      file = toString ./sources.lock;
      kind = "source";
    }
  ];

  glibc = boot "glibc-2.36" ./glibc.sh { } // {
    pname = "glibc";
    version = "2.36";
    meta.description = "C library that every product is linked with";
  };

  # One set of compiler libraries serves every compiler: the ABI of libstdc++
  # and libgfortran only grows, and mixing two in one process is what breaks.
  gccLib = boot "gcc-lib-${gccVersion}" ./gcc-lib.sh { inherit glibc bind; } // {
    pname = "gcc-lib";
    version = gccVersion;
    meta.description = "Run-time libraries of the compilers: libstdc++, libgcc_s, libgfortran, libgomp, …";
  };

  sanitizers =
    boot "gcc-sanitizers-${gccVersion}" ./sanitizers.sh {
      inherit glibc gccLib bind;
      raw = tree "gcc-sanitizers-raw" (map deb roots.sanitizers) { };
    }
    // {
      pname = "gcc-sanitizers";
      version = gccVersion;
      meta.description = "Run-time libraries of -fsanitize";
    };

  bash = boot "bash-5.2.15" ./bash.sh { inherit glibc bind; } // {
    pname = "bash";
    version = "5.2.15";
    meta = {
      description = "GNU Bourne-Again Shell, for programs that are wrapped in a script";
      mainProgram = "bash";
    };
  };

  compilers =
    let
      gcc = major: version: {
        name = "gcc${major}";
        family = "gcc";
        inherit version;
        root = buildRoot "gcc${major}" (gccLinks major);
        programs = {
          cc = "gcc-${major}";
          gcc = "gcc-${major}";
          "gcc-${major}" = "gcc-${major}";
          cpp = "cpp-${major}";
          "c++" = "g++-${major}";
          "g++" = "g++-${major}";
          "g++-${major}" = "g++-${major}";
          gfortran = "gfortran-${major}";
          f77 = "gfortran-${major}";
          f95 = "gfortran-${major}";
        };
      };
      clang = major: version: {
        name = "clang${major}";
        family = "clang";
        inherit version;
        root = buildRoot "clang${major}" (clangLinks major);
        programs = {
          cc = "clang-${major}";
          clang = "clang-${major}";
          "clang-${major}" = "clang-${major}";
          cpp = "clang-cpp-${major}";
          "c++" = "clang++-${major}";
          "clang++" = "clang++-${major}";
          "clang++-${major}" = "clang++-${major}";
        };
      };
    in
    {
      gcc11 = gcc "11" "11.3.0";
      gcc12 = gcc "12" "12.2.0";
      clang16 = clang "16" "16.0.6";
    };
}
