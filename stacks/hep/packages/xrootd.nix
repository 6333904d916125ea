{ lib, stdenv, sources, cmake, zlib, openssl, libuuid, readline, libxml2 }:

stdenv.mkDerivation {
  pname = "xrootd";
  version = "5.5.3";
  src = sources.xrootd;

  nativeBuildInputs = [ cmake ];
  buildInputs = [ zlib openssl libuuid readline libxml2 ];
  cmakeFlags = [
    "-DXRDCL_ONLY=ON"
    "-DENABLE_FUSE=OFF"
    "-DENABLE_KRB5=OFF"
    "-DENABLE_PYTHON=OFF"
    "-DENABLE_VOMS=OFF"
    "-DENABLE_XRDCLHTTP=OFF"
    "-DENABLE_HTTP=OFF"
  ];
  # Its build makes errors of warnings, and what a compiler warns of depends on how it optimises.
  NIX_CFLAGS_COMPILE = "-Wno-error";

  meta = {
    description = "Client of the XRootD data access protocol";
    mainProgram = "xrdcp";
    license = lib.licenses.lgpl3Plus;
  };
}
