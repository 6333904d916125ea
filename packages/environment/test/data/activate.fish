# HEP/1.0 for x86_64-el9-gcc13-opt
set -gx BARYON_RELEASE 'HEP/1.0'
set -gx BINARY_TAG 'x86_64-el9-gcc13-opt'
set -gx CMTCONFIG 'x86_64-el9-gcc13-opt'
set -gx HEP_DATA '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share'
set -gx QUOTED 'it\'s "5"!\\'
if set -q PATH; and test -n "$PATH"
  set -gx PATH '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/bin:/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/sbin:'"$PATH"
else
  set -gx PATH '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/bin:/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/sbin:/usr/local/bin:/usr/bin:/bin'
end
if set -q MANPATH; and test -n "$MANPATH"
  set -gx MANPATH '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share/man:'"$MANPATH"
else
  set -gx MANPATH '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share/man:'
end
if set -q XDG_DATA_DIRS; and test -n "$XDG_DATA_DIRS"
  set -gx XDG_DATA_DIRS '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share:'"$XDG_DATA_DIRS"
else
  set -gx XDG_DATA_DIRS '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share:/usr/local/share:/usr/share'
end
if set -q ROOT_INCLUDE_PATH; and test -n "$ROOT_INCLUDE_PATH"
  set -gx ROOT_INCLUDE_PATH '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/include:'"$ROOT_INCLUDE_PATH"
else
  set -gx ROOT_INCLUDE_PATH '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/include'
end
if set -q MANPATH; and test -n "$MANPATH"
  set -gx MANPATH '/first:'"$MANPATH"
else
  set -gx MANPATH '/first:'
end
if set -q MANPATH; and test -n "$MANPATH"
  set -gx MANPATH "$MANPATH"':/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/man:/last'
else
  set -gx MANPATH ':/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/man:/last'
end
