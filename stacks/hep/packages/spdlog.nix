{ lib, stdenv, sources, cmake, ninja, fmt }:

stdenv.mkDerivation {
  pname = "spdlog";
  version = "1.10.0";
  src = sources.spdlog;

  nativeBuildInputs = [ cmake ninja ];
  propagatedBuildInputs = [ fmt ];
  cmakeFlags = [
    "-DSPDLOG_BUILD_SHARED=ON"
    "-DSPDLOG_FMT_EXTERNAL=ON"
    "-DSPDLOG_BUILD_EXAMPLE=OFF"
    "-DSPDLOG_BUILD_TESTS=OFF"
  ];

  meta = {
    description = "Fast C++ logging";
    license = lib.licenses.mit;
  };
}
