{ lib, stdenv, sources }:

stdenv.mkDerivation {
  pname = "hello";
  version = "2.10";
  src = sources.hello;

  configureFlags = [ "--disable-nls" ];
  doCheck = true;

  meta = {
    description = "Program that prints a friendly greeting";
    mainProgram = "hello";
    license = lib.licenses.gpl3Plus;
  };
}
