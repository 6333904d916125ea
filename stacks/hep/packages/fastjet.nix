{ lib, stdenv, sources, autoreconfHook }:

stdenv.mkDerivation {
  pname = "fastjet";
  version = "3.4.0";
  src = sources.fastjet;
  nativeBuildInputs = [ autoreconfHook ];

  # The source package comes without SISCone. Examples and documents take half
  # of the build's time and none of them is installed.
  postPatch = ''
    sed -i '/AC_CONFIG_SUBDIRS(plugins\/SISCone\/siscone)/d' configure.ac
    sed -i -e 's/^SUBDIRS = siscone fastjet \./SUBDIRS = fastjet ./' \
      -e 's# siscone/siscone/libsiscone.la##' \
      -e 's# siscone/siscone/spherical/libsiscone_spherical.la##' plugins/SISCone/Makefile.am
    substituteInPlace Makefile.am --replace-fail \
      'SUBDIRS = src include plugins tools example fortran_wrapper doc' \
      'SUBDIRS = src include plugins tools fortran_wrapper'
  '';
  configureFlags = [
    "--enable-shared"
    "--disable-siscone"
    "--disable-pyext"
    "--disable-debug"
  ];
  meta = {
    description = "Jet finding in high-energy collisions";
    license = lib.licenses.gpl2Plus;
  };
}
