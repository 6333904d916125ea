{ lib, stdenv, sources, perl }:

stdenv.mkDerivation {
  pname = "openssl";
  version = "3.0.20";
  src = sources.openssl;

  nativeBuildInputs = [ perl ];
  dontAddPrefix = true;
  configurePhase = ''
    runHook preConfigure
    perl ./Configure linux-x86_64 shared no-tests no-ssl3 no-static-engine \
      --prefix=$out --libdir=lib --openssldir=$out/etc/ssl
    runHook postConfigure
  '';
  installTargets = "install_sw install_ssldirs";
  postInstall = ''
    rm -f $out/lib/*.a
    rm -rf $out/etc/ssl/misc $out/bin/c_rehash
  '';

  meta = {
    description = "Cryptography and Transport Layer Security";
    mainProgram = "openssl";
    license = lib.licenses.asl20;
  };
}
