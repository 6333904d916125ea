# HEP/1.0 for x86_64-el9-gcc13-opt
setenv BARYON_RELEASE 'HEP/1.0';
setenv BINARY_TAG 'x86_64-el9-gcc13-opt';
setenv CMTCONFIG 'x86_64-el9-gcc13-opt';
setenv HEP_DATA '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share';
setenv QUOTED 'it'\''s "5"\!\';
if ($?PATH) then
  if (${%PATH} > 0) then
    setenv PATH '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/bin:/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/sbin:'${PATH:q};
  else
    setenv PATH '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/bin:/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/sbin:/usr/local/bin:/usr/bin:/bin';
  endif
else
  setenv PATH '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/bin:/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/sbin:/usr/local/bin:/usr/bin:/bin';
endif
if ($?MANPATH) then
  if (${%MANPATH} > 0) then
    setenv MANPATH '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share/man:'${MANPATH:q};
  else
    setenv MANPATH '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share/man:';
  endif
else
  setenv MANPATH '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share/man:';
endif
if ($?XDG_DATA_DIRS) then
  if (${%XDG_DATA_DIRS} > 0) then
    setenv XDG_DATA_DIRS '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share:'${XDG_DATA_DIRS:q};
  else
    setenv XDG_DATA_DIRS '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share:/usr/local/share:/usr/share';
  endif
else
  setenv XDG_DATA_DIRS '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share:/usr/local/share:/usr/share';
endif
if ($?ROOT_INCLUDE_PATH) then
  if (${%ROOT_INCLUDE_PATH} > 0) then
    setenv ROOT_INCLUDE_PATH '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/include:'${ROOT_INCLUDE_PATH:q};
  else
    setenv ROOT_INCLUDE_PATH '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/include';
  endif
else
  setenv ROOT_INCLUDE_PATH '/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/include';
endif
if ($?MANPATH) then
  if (${%MANPATH} > 0) then
    setenv MANPATH '/first:'${MANPATH:q};
  else
    setenv MANPATH '/first:';
  endif
else
  setenv MANPATH '/first:';
endif
if ($?MANPATH) then
  if (${%MANPATH} > 0) then
    setenv MANPATH ${MANPATH:q}':/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/man:/last';
  else
    setenv MANPATH ':/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/man:/last';
  endif
else
  setenv MANPATH ':/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/man:/last';
endif
