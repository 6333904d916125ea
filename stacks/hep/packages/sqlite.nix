{ lib, stdenv, sources, tcl, zlib, readline, ncurses }:

stdenv.mkDerivation {
  pname = "sqlite";
  version = "3.40.1";
  src = sources.sqlite3;

  nativeBuildInputs = [ tcl ];
  buildInputs = [ zlib readline ncurses ];
  configureFlags = [
    "--disable-tcl"
    "--enable-threadsafe"
    "--enable-readline"
    "--with-readline-inc=-I${lib.getDev readline}/include"
  ];
  CPPFLAGS = "-DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_ENABLE_FTS3 -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_DBSTAT_VTAB -DSQLITE_ENABLE_MATH_FUNCTIONS -DSQLITE_SECURE_DELETE";

  meta = {
    description = "Self-contained SQL database engine";
    mainProgram = "sqlite3";
    license = lib.licenses.publicDomain;
  };
}
