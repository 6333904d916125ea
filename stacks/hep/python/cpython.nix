# CPython, of any version. Only one of a stack is the default: what it alone calls `python3` would be in the way of the
# others in an environment of two.
{ lib, stdenv, zlib, bzip2, xz, libffi, openssl, sqlite, readline, ncurses, expat, libuuid, version, src, bundledPip, isDefault ? false }:
let
  pythonVersion = lib.versions.majorMinor version;
in
stdenv.mkDerivation {
  pname = "python";
  inherit version src pythonVersion;
  pythonTag = lib.replaceStrings [ "." ] [ "" ] pythonVersion;

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
  installTargets = if isDefault then "install" else "altinstall";
  postInstall = ''
    ${lib.optionalString isDefault "ln -s python${pythonVersion} $out/bin/python"}
    library=$out/lib/python${pythonVersion}
    rm -rf $library/{test,idlelib/idle_test,lib2to3/tests,tkinter,turtledemo} $out/bin/idle3* $out/lib/libpython${pythonVersion}.a \
      $library/config-${pythonVersion}-*/libpython${pythonVersion}.a
    ${lib.optionalString (!isDefault) "rm -f $out/lib/libpython3.so"}
    find $out -name __pycache__ -type d -prune -exec rm -rf {} +
    # Byte code whose validity is a hash of the source: no times, no surprises.
    SOURCE_DATE_EPOCH=1 LD_LIBRARY_PATH=$out/lib $out/bin/python${pythonVersion} -s -m compileall -q -j $NIX_BUILD_CORES \
      --invalidation-mode unchecked-hash -s $out -p $out $library
  '';
  setupHook = ./setup-hook.sh;
  doInstallCheck = true;
  installCheckPhase = ''
    $out/bin/python${pythonVersion} -c 'import ctypes, ssl, sqlite3, bz2, lzma, readline, zlib, hashlib, curses, pyexpat, uuid, decimal'
  '';

  passthru = { inherit pythonVersion bundledPip isDefault; };
  meta = {
    description = "Programming language";
    mainProgram = if isDefault then "python3" else "python${pythonVersion}";
    license = lib.licenses.psfl;
  };
}
