{ lib, stdenv, sources }:

stdenv.mkDerivation {
  pname = "bzip2";
  version = "1.0.8";
  src = sources.bzip2;

  # Upstream's Makefile has no shared library in `install`.
  buildPhase = ''
    runHook preBuild
    make -f Makefile-libbz2_so CC=cc
    make CC=cc bzip2recover
    runHook postBuild
  '';
  installPhase = ''
    runHook preInstall
    mkdir -p $out/bin $out/lib/pkgconfig $out/include $out/share/man/man1
    cp bzip2-shared $out/bin/bzip2
    cp bzip2recover bzdiff bzgrep bzmore $out/bin/
    ln -s bzip2 $out/bin/bunzip2
    ln -s bzip2 $out/bin/bzcat
    cp bzlib.h $out/include/
    cp libbz2.so.1.0.8 $out/lib/
    ln -s libbz2.so.1.0.8 $out/lib/libbz2.so.1.0
    ln -s libbz2.so.1.0.8 $out/lib/libbz2.so.1
    ln -s libbz2.so.1.0.8 $out/lib/libbz2.so
    cp *.1 $out/share/man/man1/
    cat > $out/lib/pkgconfig/bzip2.pc <<EOF
    Name: bzip2
    Description: Block-sorting compressor
    Version: 1.0.8
    Libs: -L$out/lib -lbz2
    Cflags: -I$out/include
    EOF
    runHook postInstall
  '';

  meta = {
    description = "High-quality block-sorting compressor";
    mainProgram = "bzip2";
    license = lib.licenses.bzip2;
  };
}
