{ lib, stdenv, sources, ncurses }:

stdenv.mkDerivation {
  pname = "readline";
  version = "8.2";
  src = sources.readline;

  propagatedBuildInputs = [ ncurses ];
  configureFlags = [ "--with-curses" "--disable-install-examples" "bash_cv_termcap_lib=ncursesw" ];
  makeFlags = [ "SHLIB_LIBS=-lncursesw" ];

  meta = {
    description = "Line editing with history";
    license = lib.licenses.gpl3Plus;
  };
}
