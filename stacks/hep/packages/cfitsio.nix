{ lib, stdenv, sources, zlib }:

stdenv.mkDerivation {
  pname = "cfitsio";
  version = "4.2.0";
  src = sources.cfitsio;

  buildInputs = [ zlib ];
  configureFlags = [ "--disable-curl" ];
  buildFlags = [ "shared" ];
  postInstall = ''
    rm -f $out/lib/*.a
  '';

  meta = {
    description = "FITS files";
    license = lib.licenses.isc;
  };
}
