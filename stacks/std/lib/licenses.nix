# Licences by nixpkgs' names; `spdxId` is what reports print.
builtins.mapAttrs
  (shortName: spec: {
    inherit shortName;
    spdxId = builtins.elemAt spec 0;
    fullName = builtins.elemAt spec 1;
    free = true;
  })
  {
    asl20 = [ "Apache-2.0" "Apache License 2.0" ];
    boost = [ "BSL-1.0" "Boost Software License 1.0" ];
    bsd0 = [ "0BSD" "BSD Zero Clause License" ];
    bsd2 = [ "BSD-2-Clause" "BSD 2-clause licence" ];
    bsd3 = [ "BSD-3-Clause" "BSD 3-clause licence" ];
    bsdOriginal = [ "BSD-4-Clause" "BSD 4-clause licence" ];
    bzip2 = [ "bzip2-1.0.6" "bzip2 and libbzip2 licence 1.0.6" ];
    gpl1Plus = [ "GPL-1.0-or-later" "GNU General Public License v1.0 or later" ];
    gpl2 = [ "GPL-2.0-only" "GNU General Public License v2.0 only" ];
    gpl2Only = [ "GPL-2.0-only" "GNU General Public License v2.0 only" ];
    gpl2Plus = [ "GPL-2.0-or-later" "GNU General Public License v2.0 or later" ];
    gpl3 = [ "GPL-3.0-only" "GNU General Public License v3.0 only" ];
    gpl3Only = [ "GPL-3.0-only" "GNU General Public License v3.0 only" ];
    gpl3Plus = [ "GPL-3.0-or-later" "GNU General Public License v3.0 or later" ];
    isc = [ "ISC" "ISC License" ];
    lgpl2Plus = [ "LGPL-2.0-or-later" "GNU Library General Public License v2 or later" ];
    lgpl21 = [ "LGPL-2.1-only" "GNU Lesser General Public License v2.1 only" ];
    lgpl21Plus = [ "LGPL-2.1-or-later" "GNU Lesser General Public License v2.1 or later" ];
    lgpl3 = [ "LGPL-3.0-only" "GNU Lesser General Public License v3.0 only" ];
    lgpl3Plus = [ "LGPL-3.0-or-later" "GNU Lesser General Public License v3.0 or later" ];
    llvm-exception = [ "LLVM-exception" "LLVM Exceptions to the Apache 2.0 License" ];
    mit = [ "MIT" "MIT License" ];
    mpl20 = [ "MPL-2.0" "Mozilla Public License 2.0" ];
    openssl = [ "OpenSSL" "OpenSSL License" ];
    psfl = [ "Python-2.0" "Python Software Foundation License version 2" ];
    publicDomain = [ "LicenseRef-public-domain" "Public Domain" ];
    zlib = [ "Zlib" "zlib License" ];
  }
