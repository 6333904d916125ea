# Which Debian packages make which tree. `common` lies below every build root,
# and prepares the runtime and the tool packages by itself; each compiler lays
# its own over it.
{
  sanitizers = [
    "libasan8" "liblsan0" "libtsan2" "libubsan1"
  ];
  # What recipes take apart themselves, by `toolchain.deb`.
  recipes = [ "libuuid1" "uuid-dev" ];
  common = [
    "autoconf" "automake" "autotools-dev" "bash" "binutils" "binutils-common"
    "binutils-x86-64-linux-gnu" "bison" "bzip2" "cmake" "cmake-data" "coreutils" "debianutils"
    "diffutils" "file" "findutils" "flex" "gawk" "grep" "gzip" "libacl1" "libarchive13"
    "libatomic1" "libattr1" "libbinutils" "libbrotli1" "libbz2-1.0" "libc-dev-bin" "libc6"
    "libc6-dev" "libcom-err2" "libcrypt-dev" "libcrypt1" "libctf-nobfd0" "libctf0" "libcurl4"
    "libdb5.3" "libexpat1" "libffi8" "libgcc-s1" "libgfortran5" "libgdbm-compat4" "libgdbm6" "libgmp10"
    "libgnutls30" "libgomp1" "libgprofng0" "libgssapi-krb5-2" "libhogweed6" "libicu72" "libidn2-0"
    "libisl23" "libitm1" "libjansson4" "libjsoncpp25" "libk5crypto3" "libkeyutils1" "libkrb5-3"
    "libkrb5support0" "libldap-2.5-0" "liblsan0" "liblz4-1" "liblzma5" "libmagic-mgc" "libmagic1"
    "libmd0" "libmpc3" "libmpfr6" "libncursesw6" "libnettle8" "libnghttp2-14" "libp11-kit0"
    "libpcre2-8-0" "libperl5.36" "libpkgconf3" "libpsl5" "libpython3.11-minimal"
    "libpython3.11-stdlib" "libquadmath0" "libreadline8" "librhash0" "librtmp1" "libsasl2-2"
    "libsasl2-modules-db" "libselinux1" "libsigsegv2" "libsqlite3-0" "libssh2-1" "libssl3"
    "libstdc++6" "libtasn1-6" "libtinfo6" "libtool" "libubsan1" "libunistring2" "libuuid1"
    "libuv1" "libxml2" "libzstd1" "linux-libc-dev" "m4" "make" "ninja-build" "patch" "patchelf"
    "perl" "perl-base" "perl-modules-5.36" "pkgconf" "pkgconf-bin" "python3.11"
    "python3.11-minimal" "rpcsvc-proto" "sed" "tar" "xz-utils" "zlib1g"
  ];
  gcc11 = [
    "cpp-11" "g++-11" "gcc-11" "gcc-11-base" "gfortran-11" "libasan6" "libcc1-0" "libgcc-11-dev"
    "libgfortran-11-dev" "libstdc++-11-dev" "libtsan0"
  ];
  gcc12 = [
    "cpp-12" "g++-12" "gcc-12" "gfortran-12" "libasan8" "libcc1-0" "libgcc-12-dev"
    "libgfortran-12-dev" "libstdc++-12-dev" "libtsan2"
  ];
  clang16 = [
    "clang-16" "libasan8" "libbsd0" "libclang-common-16-dev" "libclang-cpp16" "libclang1-16"
    "libedit2" "libgc1" "libgcc-12-dev" "libllvm16" "libobjc-12-dev" "libobjc4" "libstdc++-12-dev"
    "libtsan2" "libz3-4" "lld-16" "llvm-16-linker-tools"
  ];
}
