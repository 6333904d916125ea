{ lib, stdenv, sources }:

stdenv.mkDerivation {
  pname = "boost";
  version = "1.81.0";
  src = sources."boost1.81";

  # Headers only: what HEP code uses most and what takes seconds.
  dontConfigure = true;
  dontBuild = true;
  dontFixup = true;
  unpackPhase = ''
    mkdir boost
    cd boost
    tar xf $src --strip-components=1 --wildcards --no-same-owner \
      'boost/libs/*/include/*' 'boost/LICENSE_1_0.txt'
  '';
  installPhase = ''
    mkdir -p $out/include
    for directory in libs/*/include libs/*/*/include; do
      cp -r --no-preserve=mode $directory/. $out/include/
    done
  '';

  meta = {
    description = "C++ libraries (headers)";
    license = lib.licenses.boost;
  };
}
