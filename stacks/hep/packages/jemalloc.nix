{ lib, stdenv, sources }:

stdenv.mkDerivation {
  pname = "jemalloc";
  version = "5.3.0";
  src = sources.jemalloc;

  configureFlags = [ "--disable-doc" "--with-version=5.3.0-0-g0" ];
  # Neither documents nor static libraries.
  installTargets = "install_bin install_include install_lib_shared install_lib_pc";

  meta = {
    description = "Scalable memory allocator";
    license = lib.licenses.bsd2;
  };
}
