{ lib, stdenv, sources, zlib }:

stdenv.mkDerivation ({
  pname = "hdf5";
  version = "1.10.8";
  src = sources.hdf5;

  buildInputs = [ zlib ];
  configureFlags = [ "--enable-cxx" "--disable-tests" "--with-zlib=${lib.getDev zlib}" ];
  # The settings in the library would name the compiler and the time.
  postConfigure = ''
    sed -i -e 's|@[^ ]*$||' -e '/Configured on:/d' -e '/Configured by:/d' -e '/Host system:/d' \
      -e '/Uname information:/d' -e '/C Compiler:/d' -e '/C++ Compiler:/d' src/libhdf5.settings
  '';

  meta = {
    description = "Data model, library and format for large data";
    mainProgram = "h5dump";
    license = lib.licenses.bsd3;
  };
} // lib.optionalAttrs stdenv.cc.isClang {
  # A function of H5HL.c has no type, which newer compilers take for an error.
  NIX_CFLAGS_COMPILE = "-Wno-error=implicit-int";
})
