#%Module1.0
module-whatis "HEP/1.0: A \"test\" \[of\] \$things \(x86_64-el9-gcc13-opt\)"
conflict HEP
setenv BARYON_RELEASE "HEP/1.0"
setenv BINARY_TAG "x86_64-el9-gcc13-opt"
setenv CMTCONFIG "x86_64-el9-gcc13-opt"
setenv HEP_DATA "/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share"
setenv QUOTED "it\'s \"5\"\!\\"
prepend-path --delim ":" PATH "/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/bin:/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/sbin"
if {![info exists env(MANPATH)]} { append-path MANPATH "" }
prepend-path --delim ":" MANPATH "/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share/man"
if {![info exists env(XDG_DATA_DIRS)]} { append-path XDG_DATA_DIRS "/usr/local/share:/usr/share" }
prepend-path --delim ":" XDG_DATA_DIRS "/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share"
prepend-path --delim ":" ROOT_INCLUDE_PATH "/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/include"
prepend-path --delim ":" MANPATH "/first"
append-path --delim ":" MANPATH "/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/man:/last"
