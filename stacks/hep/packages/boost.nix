{ lib, stdenv, sources, zlib }:

stdenv.mkDerivation {
  pname = "boost";
  version = "1.81.0";
  src = sources."boost1.81";
  buildInputs = [ zlib ];

  # All headers, and the libraries that take seconds each. Documents and tests are two thirds of the archive.
  libraries = [
    "atomic" "chrono" "container" "date_time" "filesystem" "iostreams" "program_options" "random" "regex"
    "serialization" "system" "thread" "timer"
  ];

  unpackPhase = ''
    tar xf $src --no-same-owner --wildcards --no-wildcards-match-slash \
      --exclude 'boost/libs/*/doc' --exclude 'boost/libs/*/test' --exclude 'boost/libs/*/example' \
      --exclude 'boost/libs/*/*/doc' --exclude 'boost/libs/*/*/test' --exclude 'boost/libs/*/*/example' \
      --exclude 'boost/tools/*/doc' --exclude 'boost/tools/*/test'
    cd boost
  '';
  # Boost brings the program that drives its build, here without its generated parser. The compiler's wrapper adds the
  # stack's options to Boost's own.
  toolset = if stdenv.cc.isClang then "clang" else "gcc";
  configurePhase = ''
    (cd tools/build/src/engine && bison -y -d -o jamgram.cpp jamgram.y && CXX=c++ bash build.sh cxx)
    echo "using $toolset : : c++ ;" > user-config.jam
  '';
  buildPhase = ''
    b2() {
      tools/build/src/engine/b2 --user-config=user-config.jam -j$NIX_BUILD_CORES -q -d0 --hash --layout=system \
        --prefix=$out --build-dir=build-libraries --disable-icu --ignore-site-config \
        toolset=$toolset variant=${if stdenv.buildType == "dbg" then "debug" else "release"} debug-symbols=on \
        link=shared runtime-link=shared threading=multi $(printf -- '--with-%s ' $libraries) "$@"
    }
    b2
  '';
  installPhase = ''
    b2 install
  '';
  separateDebugInfo = true;
  doInstallCheck = true;
  installCheckPhase = ''
    cat > check.cc <<'END'
    #include <boost/filesystem.hpp>
    #include <boost/iostreams/filter/gzip.hpp>
    #include <boost/iostreams/filtering_stream.hpp>
    #include <boost/regex.hpp>
    #include <iostream>
    int main() {
      boost::iostreams::filtering_ostream out;
      out.push(boost::iostreams::gzip_compressor());
      out.push(std::cout);
      out << boost::filesystem::exists("/") << boost::regex_match("clhep", boost::regex("c.*p"));
    }
    END
    c++ -I$out/include check.cc -o check -L$out/lib -lboost_filesystem -lboost_iostreams -lboost_regex
    [ "$(./check | gzip -d)" = 11 ]
  '';

  meta = {
    description = "C++ libraries";
    license = lib.licenses.boost;
  };
}
