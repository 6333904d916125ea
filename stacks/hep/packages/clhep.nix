{ lib, stdenv, sources, cmake }:

stdenv.mkDerivation {
  pname = "clhep";
  version = "2.1.4.1";
  src = sources.clhep;

  nativeBuildInputs = [ cmake ];
  # It refuses a build directory below its sources.
  preConfigure = ''
    cmakeDir=$PWD
    cmakeBuildDir=$NIX_BUILD_TOP/clhep-build
  '';
  # Upstream compiles every file four times: per package and for the joint
  # library, shared and static. The shared ones stay; the tests want static ones.
  # `register` is an error since C++17, of which clang says so.
  postPatch = ''
    find . -name '*.cc' -o -name '*.icc' -o -name '*.h' | xargs sed -i 's/\bregister //'
    sed -i -E "/add_subdirectory *\( *test *\)/Id" */CMakeLists.txt
    sed -i -e '/ADD_LIBRARY.*STATIC/d' -e '/clhep_static_symlink )/d' \
      -e '/SET_TARGET_PROPERTIES(''${package}S/,/)$/d' -e '/SET_TARGET_PROPERTIES(CLHEPS/,/)$/d' \
      -e '/target_link_libraries(''${package}S/d' \
      -e 's/''${package} ''${package}S/''${package}/' -e 's/TARGETS CLHEP CLHEPS/TARGETS CLHEP/' \
      cmake/Modules/ClhepBuildLibrary.cmake cmake/Modules/ClhepToolchain.cmake
  '';

  meta = {
    description = "Class library for high-energy physics";
    mainProgram = "clhep-config";
    license = lib.licenses.lgpl3;
  };
}
