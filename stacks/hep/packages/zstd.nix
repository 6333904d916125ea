{ lib, stdenv, sources, cmake }:

stdenv.mkDerivation {
  pname = "zstd";
  version = "1.5.4";
  src = sources.libzstd;

  nativeBuildInputs = [ cmake ];
  cmakeDir = "../build/cmake";
  cmakeBuildDir = "build-cmake";
  cmakeFlags = [ "-DZSTD_BUILD_STATIC=OFF" "-DZSTD_BUILD_TESTS=OFF" "-DZSTD_PROGRAMS_LINK_SHARED=ON" ];

  meta = {
    description = "Fast real-time compression";
    mainProgram = "zstd";
    license = lib.licenses.bsd3;
  };
}
