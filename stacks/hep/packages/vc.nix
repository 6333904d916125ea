{ lib, stdenv, sources, cmake }:

stdenv.mkDerivation {
  pname = "vc";
  version = "1.4.3";
  src = sources.vc;

  nativeBuildInputs = [ cmake ];

  meta = {
    description = "SIMD vector classes for C++";
    license = lib.licenses.bsd3;
  };
}
