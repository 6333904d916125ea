{ lib, stdenv, sources }:

stdenv.mkDerivation {
  pname = "zlib";
  version = "1.2.13";
  src = sources.zlib;

  # Its configure script is not autoconf's and knows none of its options.
  dontAddDisableDepTrack = true;
  dontDisableStatic = true;

  separateDebugInfo = true;

  postInstall = ''
    rm -f $out/lib/libz.a
  '';

  meta = {
    description = "Lossless data-compression library";
    license = lib.licenses.zlib;
  };
}
