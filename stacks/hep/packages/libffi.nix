{ lib, stdenv, sources }:

stdenv.mkDerivation {
  pname = "libffi";
  version = "3.4.4";
  src = sources.libffi;

  configureFlags = [ "--disable-multi-os-directory" "--disable-docs" ];

  meta = {
    description = "Foreign function interface";
    license = lib.licenses.mit;
  };
}
