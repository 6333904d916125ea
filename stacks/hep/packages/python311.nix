{ lib, stdenv, sources, zlib, bzip2, xz, libffi, openssl, sqlite, readline, ncurses, expat, libuuid }:

stdenv.mkDerivation {
  pname = "python";
  version = "3.11.2";
  src = sources."python3.11";

  buildInputs = [ zlib bzip2 xz libffi openssl sqlite readline ncurses expat libuuid ];
  configureFlags = [
    "--enable-shared"
    "--without-ensurepip"
    "--with-system-expat"
    "--with-openssl=${lib.getDev openssl}"
    "--with-dbmliborder="
    "--disable-test-modules"
    "--with-readline=readline"
  ];
  # setup.py looks for libraries where these point, not where the compiler does.
  preConfigure = ''
    for package in $buildInputs; do
      CPPFLAGS+=" -I$package/include"
      LDFLAGS+=" -L$package/lib"
    done
    CPPFLAGS+=" -I${lib.getDev ncurses}/include/ncursesw"
    export CPPFLAGS LDFLAGS
  '';
  # Not what the build happens to see: nice(2) seems broken to a build that is at the lowest priority already.
  env = {
    ac_cv_broken_nice = "no";
    ac_cv_func_lchmod = "no";
    py_cv_module__tkinter = "n/a";
    py_cv_module_nis = "n/a";
  };
  postInstall = ''
    ln -s python3.11 $out/bin/python
    rm -rf $out/lib/python3.11/{test,idlelib/idle_test,lib2to3/tests,tkinter,turtledemo,ensurepip} \
      $out/lib/python3.11/config-3.11-*/libpython3.11.a $out/bin/idle3* $out/lib/libpython3.11.a
    find $out -name __pycache__ -type d -prune -exec rm -rf {} +
    # Byte code whose validity is a hash of the source: no times, no surprises.
    SOURCE_DATE_EPOCH=1 LD_LIBRARY_PATH=$out/lib $out/bin/python3.11 -s -m compileall -q -j $NIX_BUILD_CORES \
      --invalidation-mode unchecked-hash -s $out -p $out $out/lib/python3.11
  '';
  setupHook = ../python311-hook.sh;
  doInstallCheck = true;
  installCheckPhase = ''
    $out/bin/python3.11 -c 'import ctypes, ssl, sqlite3, bz2, lzma, readline, zlib, hashlib, curses, pyexpat, uuid, decimal'
  '';

  meta = {
    description = "Programming language";
    mainProgram = "python3";
    license = lib.licenses.psfl;
  };
}
