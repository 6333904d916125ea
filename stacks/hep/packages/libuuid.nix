{ lib, stdenv, toolchain }:

# From the binary packages of the sealed toolchain's distribution: the library
# is four files, its source package is the whole of util-linux.
stdenv.mkDerivation {
  pname = "libuuid";
  version = "2.38.1";
  srcs = map toolchain.deb [ "libuuid1" "uuid-dev" ];
  unpackPhase = ''
    mkdir debs
    cd debs
    for deb in $srcs; do
      ar x "$deb" data.tar.xz
      tar xf data.tar.xz
    done
  '';
  dontConfigure = true;
  dontBuild = true;
  installPhase = ''
    shopt -s nullglob
    mkdir -p $out/lib/pkgconfig $out/include
    cp -P {,usr/}lib/x86_64-linux-gnu/libuuid.so.* $out/lib/
    ln -s libuuid.so.1 $out/lib/libuuid.so
    cp -r usr/include/uuid $out/include/
    sed -e "s|^prefix=.*|prefix=$out|" -e 's|^libdir=.*|libdir=''${prefix}/lib|' -e 's|^includedir=.*|includedir=''${prefix}/include|' \
      usr/lib/x86_64-linux-gnu/pkgconfig/uuid.pc > $out/lib/pkgconfig/uuid.pc
    chmod u+w $out/lib/*.so.*.*
    patchelf --force-rpath --set-rpath ${toolchain.glibc}/lib $out/lib/libuuid.so.1.*
  '';
  dontPatchELF = true;
  meta = {
    description = "Universally unique identifiers";
    license = lib.licenses.bsd3;
  };
}
