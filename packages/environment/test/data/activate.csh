# HEP/1.0 for x86_64-el9-gcc13-opt
if ($?__baryon_active) then
  baryon_deactivate
endif
set __baryon_active;
if ($?BARYON_RELEASE) then
  set __baryon_before_BARYON_RELEASE = ${BARYON_RELEASE:q};
  alias __baryon_restore_BARYON_RELEASE 'setenv BARYON_RELEASE ${__baryon_before_BARYON_RELEASE:q}';
else
  alias __baryon_restore_BARYON_RELEASE 'unsetenv BARYON_RELEASE';
endif
if ($?BINARY_TAG) then
  set __baryon_before_BINARY_TAG = ${BINARY_TAG:q};
  alias __baryon_restore_BINARY_TAG 'setenv BINARY_TAG ${__baryon_before_BINARY_TAG:q}';
else
  alias __baryon_restore_BINARY_TAG 'unsetenv BINARY_TAG';
endif
if ($?CMTCONFIG) then
  set __baryon_before_CMTCONFIG = ${CMTCONFIG:q};
  alias __baryon_restore_CMTCONFIG 'setenv CMTCONFIG ${__baryon_before_CMTCONFIG:q}';
else
  alias __baryon_restore_CMTCONFIG 'unsetenv CMTCONFIG';
endif
if ($?HEP_DATA) then
  set __baryon_before_HEP_DATA = ${HEP_DATA:q};
  alias __baryon_restore_HEP_DATA 'setenv HEP_DATA ${__baryon_before_HEP_DATA:q}';
else
  alias __baryon_restore_HEP_DATA 'unsetenv HEP_DATA';
endif
if ($?QUOTED) then
  set __baryon_before_QUOTED = ${QUOTED:q};
  alias __baryon_restore_QUOTED 'setenv QUOTED ${__baryon_before_QUOTED:q}';
else
  alias __baryon_restore_QUOTED 'unsetenv QUOTED';
endif
if ($?PATH) then
  set __baryon_before_PATH = ${PATH:q};
  alias __baryon_restore_PATH 'setenv PATH ${__baryon_before_PATH:q}';
else
  alias __baryon_restore_PATH 'unsetenv PATH';
endif
if ($?MANPATH) then
  set __baryon_before_MANPATH = ${MANPATH:q};
  alias __baryon_restore_MANPATH 'setenv MANPATH ${__baryon_before_MANPATH:q}';
else
  alias __baryon_restore_MANPATH 'unsetenv MANPATH';
endif
if ($?XDG_DATA_DIRS) then
  set __baryon_before_XDG_DATA_DIRS = ${XDG_DATA_DIRS:q};
  alias __baryon_restore_XDG_DATA_DIRS 'setenv XDG_DATA_DIRS ${__baryon_before_XDG_DATA_DIRS:q}';
else
  alias __baryon_restore_XDG_DATA_DIRS 'unsetenv XDG_DATA_DIRS';
endif
if ($?ROOT_INCLUDE_PATH) then
  set __baryon_before_ROOT_INCLUDE_PATH = ${ROOT_INCLUDE_PATH:q};
  alias __baryon_restore_ROOT_INCLUDE_PATH 'setenv ROOT_INCLUDE_PATH ${__baryon_before_ROOT_INCLUDE_PATH:q}';
else
  alias __baryon_restore_ROOT_INCLUDE_PATH 'unsetenv ROOT_INCLUDE_PATH';
endif
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
if ($?BARYON_RELEASE) then
  set __baryon_after_BARYON_RELEASE = ${BARYON_RELEASE:q};
else
  set __baryon_after_BARYON_RELEASE = "";
endif
alias __baryon_undo_BARYON_RELEASE 'set __baryon_now = ""; if ($?BARYON_RELEASE) eval '\''set __baryon_now = ${BARYON_RELEASE:q}'\''; if (x${__baryon_now:q} == x${__baryon_after_BARYON_RELEASE:q}) eval __baryon_restore_BARYON_RELEASE';
if ($?BINARY_TAG) then
  set __baryon_after_BINARY_TAG = ${BINARY_TAG:q};
else
  set __baryon_after_BINARY_TAG = "";
endif
alias __baryon_undo_BINARY_TAG 'set __baryon_now = ""; if ($?BINARY_TAG) eval '\''set __baryon_now = ${BINARY_TAG:q}'\''; if (x${__baryon_now:q} == x${__baryon_after_BINARY_TAG:q}) eval __baryon_restore_BINARY_TAG';
if ($?CMTCONFIG) then
  set __baryon_after_CMTCONFIG = ${CMTCONFIG:q};
else
  set __baryon_after_CMTCONFIG = "";
endif
alias __baryon_undo_CMTCONFIG 'set __baryon_now = ""; if ($?CMTCONFIG) eval '\''set __baryon_now = ${CMTCONFIG:q}'\''; if (x${__baryon_now:q} == x${__baryon_after_CMTCONFIG:q}) eval __baryon_restore_CMTCONFIG';
if ($?HEP_DATA) then
  set __baryon_after_HEP_DATA = ${HEP_DATA:q};
else
  set __baryon_after_HEP_DATA = "";
endif
alias __baryon_undo_HEP_DATA 'set __baryon_now = ""; if ($?HEP_DATA) eval '\''set __baryon_now = ${HEP_DATA:q}'\''; if (x${__baryon_now:q} == x${__baryon_after_HEP_DATA:q}) eval __baryon_restore_HEP_DATA';
if ($?QUOTED) then
  set __baryon_after_QUOTED = ${QUOTED:q};
else
  set __baryon_after_QUOTED = "";
endif
alias __baryon_undo_QUOTED 'set __baryon_now = ""; if ($?QUOTED) eval '\''set __baryon_now = ${QUOTED:q}'\''; if (x${__baryon_now:q} == x${__baryon_after_QUOTED:q}) eval __baryon_restore_QUOTED';
if ($?PATH) then
  set __baryon_after_PATH = ${PATH:q};
else
  set __baryon_after_PATH = "";
endif
alias __baryon_remove_PATH 'set __baryon_value = ${PATH:q}; set __baryon_value = :${__baryon_value:q}:__baryon_end; set __baryon_value = ${__baryon_value:s|:/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/bin:/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/sbin:|:|:q}; set __baryon_value = ${__baryon_value:s|:__baryon_end||:q}; set __baryon_value = ${__baryon_value:s|:||:q}; setenv PATH ${__baryon_value:q}';
alias __baryon_undo_PATH 'set __baryon_now = ""; if ($?PATH) eval '\''set __baryon_now = ${PATH:q}'\''; if ($?PATH && x${__baryon_now:q} \!= x${__baryon_after_PATH:q}) eval __baryon_remove_PATH; if (x${__baryon_now:q} == x${__baryon_after_PATH:q}) eval __baryon_restore_PATH';
if ($?MANPATH) then
  set __baryon_after_MANPATH = ${MANPATH:q};
else
  set __baryon_after_MANPATH = "";
endif
alias __baryon_remove_MANPATH 'set __baryon_value = ${MANPATH:q}; set __baryon_value = :${__baryon_value:q}:__baryon_end; set __baryon_value = ${__baryon_value:s|:/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/man:/last:|:|:q}; set __baryon_value = ${__baryon_value:s|:__baryon_end||:q}; set __baryon_value = ${__baryon_value:s|:||:q}; set __baryon_value = :${__baryon_value:q}:__baryon_end; set __baryon_value = ${__baryon_value:s|:/first:|:|:q}; set __baryon_value = ${__baryon_value:s|:__baryon_end||:q}; set __baryon_value = ${__baryon_value:s|:||:q}; set __baryon_value = :${__baryon_value:q}:__baryon_end; set __baryon_value = ${__baryon_value:s|:/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share/man:|:|:q}; set __baryon_value = ${__baryon_value:s|:__baryon_end||:q}; set __baryon_value = ${__baryon_value:s|:||:q}; setenv MANPATH ${__baryon_value:q}';
alias __baryon_undo_MANPATH 'set __baryon_now = ""; if ($?MANPATH) eval '\''set __baryon_now = ${MANPATH:q}'\''; if ($?MANPATH && x${__baryon_now:q} \!= x${__baryon_after_MANPATH:q}) eval __baryon_remove_MANPATH; if (x${__baryon_now:q} == x${__baryon_after_MANPATH:q}) eval __baryon_restore_MANPATH';
if ($?XDG_DATA_DIRS) then
  set __baryon_after_XDG_DATA_DIRS = ${XDG_DATA_DIRS:q};
else
  set __baryon_after_XDG_DATA_DIRS = "";
endif
alias __baryon_remove_XDG_DATA_DIRS 'set __baryon_value = ${XDG_DATA_DIRS:q}; set __baryon_value = :${__baryon_value:q}:__baryon_end; set __baryon_value = ${__baryon_value:s|:/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share:|:|:q}; set __baryon_value = ${__baryon_value:s|:__baryon_end||:q}; set __baryon_value = ${__baryon_value:s|:||:q}; setenv XDG_DATA_DIRS ${__baryon_value:q}';
alias __baryon_undo_XDG_DATA_DIRS 'set __baryon_now = ""; if ($?XDG_DATA_DIRS) eval '\''set __baryon_now = ${XDG_DATA_DIRS:q}'\''; if ($?XDG_DATA_DIRS && x${__baryon_now:q} \!= x${__baryon_after_XDG_DATA_DIRS:q}) eval __baryon_remove_XDG_DATA_DIRS; if (x${__baryon_now:q} == x${__baryon_after_XDG_DATA_DIRS:q}) eval __baryon_restore_XDG_DATA_DIRS';
if ($?ROOT_INCLUDE_PATH) then
  set __baryon_after_ROOT_INCLUDE_PATH = ${ROOT_INCLUDE_PATH:q};
else
  set __baryon_after_ROOT_INCLUDE_PATH = "";
endif
alias __baryon_remove_ROOT_INCLUDE_PATH 'set __baryon_value = ${ROOT_INCLUDE_PATH:q}; set __baryon_value = :${__baryon_value:q}:__baryon_end; set __baryon_value = ${__baryon_value:s|:/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/include:|:|:q}; set __baryon_value = ${__baryon_value:s|:__baryon_end||:q}; set __baryon_value = ${__baryon_value:s|:||:q}; setenv ROOT_INCLUDE_PATH ${__baryon_value:q}';
alias __baryon_undo_ROOT_INCLUDE_PATH 'set __baryon_now = ""; if ($?ROOT_INCLUDE_PATH) eval '\''set __baryon_now = ${ROOT_INCLUDE_PATH:q}'\''; if ($?ROOT_INCLUDE_PATH && x${__baryon_now:q} \!= x${__baryon_after_ROOT_INCLUDE_PATH:q}) eval __baryon_remove_ROOT_INCLUDE_PATH; if (x${__baryon_now:q} == x${__baryon_after_ROOT_INCLUDE_PATH:q}) eval __baryon_restore_ROOT_INCLUDE_PATH';
if ($?prompt) then
  set __baryon_prompt = ${prompt:q};
  set prompt = '[HEP/1.0] '${prompt:q};
endif
alias baryon_deactivate 'if ($?__baryon_prompt) eval '\''set prompt = ${__baryon_prompt:q}'\''; __baryon_undo_BARYON_RELEASE; __baryon_undo_BINARY_TAG; __baryon_undo_CMTCONFIG; __baryon_undo_HEP_DATA; __baryon_undo_QUOTED; __baryon_undo_PATH; __baryon_undo_MANPATH; __baryon_undo_XDG_DATA_DIRS; __baryon_undo_ROOT_INCLUDE_PATH; unset __baryon_*; unalias __baryon_*; unalias baryon_deactivate';
