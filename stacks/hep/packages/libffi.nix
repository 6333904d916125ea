{ lib, stdenv, sources }:

stdenv.mkDerivation ({
  pname = "libffi";
  version = "3.4.4";
  src = sources.libffi;

  configureFlags = [ "--disable-multi-os-directory" "--disable-docs" ];

  meta = {
    description = "Foreign function interface";
    license = lib.licenses.mit;
  };
} // lib.optionalAttrs stdenv.cc.isClang {
  # A function of closures.c is used without a declaration, which newer compilers take for an error.
  NIX_CFLAGS_COMPILE = "-Wno-error=implicit-function-declaration";
})
