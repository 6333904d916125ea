{ lib, stdenv, sources }:

stdenv.mkDerivation {
  pname = "gsl";
  version = "2.7.1";
  src = sources.gsl;

  # The source package comes without the manual.
  postPatch = ''
    sed -i -E '/^SUBDIRS *=/,/[^\\]$/ s/ doc( |$)/ \1/' Makefile.in
  '';
  enableParallelInstalling = true;

  meta = {
    description = "GNU Scientific Library";
    mainProgram = "gsl-config";
    license = lib.licenses.gpl3Plus;
  };
}
