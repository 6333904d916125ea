whatis("HEP/1.0: A \"test\" [of] $things (x86_64-el9-gcc13-opt)")
family("HEP")
setenv("BARYON_RELEASE", "HEP/1.0")
setenv("BINARY_TAG", "x86_64-el9-gcc13-opt")
setenv("CMTCONFIG", "x86_64-el9-gcc13-opt")
setenv("HEP_DATA", "/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share")
setenv("QUOTED", "it's \"5\"!\\")
prepend_path("PATH", "/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/bin:/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/sbin", ":")
if (os.getenv("MANPATH") == nil) then append_path("MANPATH", ":") end
prepend_path("MANPATH", "/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share/man", ":")
if (os.getenv("XDG_DATA_DIRS") == nil) then append_path("XDG_DATA_DIRS", "/usr/local/share:/usr/share") end
prepend_path("XDG_DATA_DIRS", "/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share", ":")
prepend_path("ROOT_INCLUDE_PATH", "/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/include", ":")
