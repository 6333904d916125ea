{ lib, stdenv, sources }:

stdenv.mkDerivation {
  pname = "fftw";
  version = "3.3.10";
  src = sources.fftw3;

  configureFlags = [
    "--enable-shared"
    "--enable-threads"
    "--enable-sse2"
    "--enable-avx"
    "--enable-avx2"
    "--disable-fortran"
    "--disable-doc"
  ];

  meta = {
    description = "Discrete Fourier transforms";
    mainProgram = "fftw-wisdom";
    license = lib.licenses.gpl2Plus;
  };
}
