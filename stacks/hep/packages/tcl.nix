{ lib, stdenv, sources, zlib }:

stdenv.mkDerivation {
  pname = "tcl";
  version = "8.6.13";
  src = sources."tcl8.6";

  buildInputs = [ zlib ];
  preConfigure = ''
    cd unix
  '';
  configureFlags = [ "--enable-threads" ];
  postInstall = ''
    make install-private-headers
    ln -s tclsh8.6 $out/bin/tclsh
    rm -rf $out/lib/*.a $out/lib/tcl8.6/tzdata $out/lib/tcl8.6/msgs $out/man
  '';
  # Its configuration file names the build directory.
  preFixup = ''
    sed -i -e "s|$NIX_BUILD_TOP[^ ']*|$out|g" $out/lib/tclConfig.sh
    find $out/lib -name '*Config.sh' -exec sed -i "s|$NIX_BUILD_TOP[^ ']*|$out|g" {} +
  '';

  meta = {
    description = "Tool Command Language";
    mainProgram = "tclsh";
    license = lib.licenses.bsd3;
  };
}
