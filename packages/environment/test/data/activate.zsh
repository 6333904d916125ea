# HEP/1.0 for x86_64-el9-gcc13-opt
export BARYON_RELEASE=HEP/1.0
export BINARY_TAG=x86_64-el9-gcc13-opt
export CMTCONFIG=x86_64-el9-gcc13-opt
export HEP_DATA=/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share
export QUOTED='it'\''s "5"!\'
export PATH=/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/bin:/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/sbin:"${PATH:-/usr/local/bin:/usr/bin:/bin}"
export MANPATH=/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share/man:"${MANPATH:-}"
export XDG_DATA_DIRS=/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share:"${XDG_DATA_DIRS:-/usr/local/share:/usr/share}"
export ROOT_INCLUDE_PATH=/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/include"${ROOT_INCLUDE_PATH:+:$ROOT_INCLUDE_PATH}"
export MANPATH=/first:"${MANPATH:-}"
export MANPATH="${MANPATH:-}":/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/man:/last
