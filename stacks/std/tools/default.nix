# Build tools of the build root as packages: links to the tool, and the setup
# hook that its nixpkgs namesake has. They exist so that `nativeBuildInputs =
# [ cmake ]` means here what it means there; they depend on no compiler.
{ lib, toolchain, callPackage }:
let
  tool =
    pname: version: programs: description: attrs:
    toolchain.boot "${pname}-${version}" ./make-tool.sh (
      { inherit programs; } // builtins.removeAttrs attrs [ "passthru" ]
    )
    // {
      inherit pname version;
      meta = {
        inherit description;
        mainProgram = builtins.head programs;
      };
    }
    // attrs.passthru or { };

  perl = tool "perl" "5.36.0" [ "perl" ] "Perl of the build root" { };
  python3 = tool "python3" "3.11.2" [ "python3" "python3.11" ] "Python of the build root, for build scripts" { };
  pkg-config = tool "pkg-config" "1.8.1" [ "pkg-config" "pkgconf" ] "Compiler flags of libraries" { };
in
{
  cmake = tool "cmake" "3.25.1" [ "cmake" "ctest" "cpack" ] "Cross-platform build system generator" {
    hook = ./cmake.sh;
  };
  ninja = tool "ninja" "1.11.1" [ "ninja" ] "Small build system with a focus on speed" {
    hook = ./ninja.sh;
  };
  inherit perl python3 pkg-config;
  pkgconf = pkg-config;
  pkgconfig = pkg-config;
  gnumake = tool "gnumake" "4.3" [ "make" ] "GNU Make" { };
  gnum4 = tool "gnum4" "1.4.19" [ "m4" ] "GNU macro processor" { };
  m4 = tool "gnum4" "1.4.19" [ "m4" ] "GNU macro processor" { };
  bison = tool "bison" "3.8.2" [ "bison" "yacc" ] "Yacc-compatible parser generator" { };
  flex = tool "flex" "2.6.4" [ "flex" ] "Lexical analyser generator" { };
  patchelf = tool "patchelf" "0.14.3" [ "patchelf" ] "Editor of run paths and interpreters" { };
  file = tool "file" "5.44" [ "file" ] "Recogniser of file types" { };
  which = tool "which" "5.7" [ "which" ] "Finder of programs" { };
  autoconf = tool "autoconf" "2.71" [ "autoconf" "autoreconf" "autoheader" "autom4te" ] "Maker of configure scripts" { };
  automake = tool "automake" "1.16.5" [ "automake" "aclocal" ] "Maker of Makefile.in files" { };
  libtool = tool "libtool" "2.4.7" [ "libtoolize" ] "Generic library support script" { };
  autoreconfHook = tool "autoreconf-hook" "2.71" [ "autoreconf" ] "Runs autoreconf before configure" {
    hook = ./autoreconf.sh;
  };
  makeWrapper = tool "make-wrapper" "1" [ ] "Shell functions makeWrapper and wrapProgram" {
    hook = ./make-wrapper.sh;
    shell = "${toolchain.bash}/bin/bash";
    passthru.meta.description = "Shell functions makeWrapper and wrapProgram";
  };
  gfortran = tool "gfortran" "12" [ ] "Fortran compiler of the standard environment (GCC variants)" {
    passthru.meta.description = "Fortran compiler of the standard environment (GCC variants)";
  };
}
