{ lib, stdenv, sources }:

stdenv.mkDerivation {
  pname = "ncurses";
  version = "6.4";
  src = sources.ncurses;

  configureFlags = [
    "--with-shared"
    "--without-normal"
    "--without-debug"
    "--without-ada"
    "--without-tests"
    "--without-manpages"
    "--enable-widec"
    "--enable-pc-files"
    "--with-cxx-shared"
    "--disable-stripping"
  ];
  # Terminals that the host describes come first, our own are the reserve.
  preConfigure = ''
    configureFlagsArray+=(
      "--with-pkg-config-libdir=$out/lib/pkgconfig"
      "--with-default-terminfo-dir=$out/share/terminfo"
      "--with-terminfo-dirs=/etc/terminfo:/lib/terminfo:/usr/share/terminfo:$out/share/terminfo"
    )
  '';
  postInstall = ''
    for name in ncurses form panel menu; do
      ln -s lib''${name}w.so $out/lib/lib$name.so
      ln -s ''${name}w.pc $out/lib/pkgconfig/$name.pc
    done
    ln -s libncursesw.so $out/lib/libcurses.so
    ln -s libncursesw.so $out/lib/libtinfo.so
    for header in $out/include/ncursesw/*; do
      ln -s ncursesw/''${header##*/} $out/include/
    done
  '';

  meta = {
    description = "Terminal independence library";
    license = lib.licenses.mit;
  };
}
