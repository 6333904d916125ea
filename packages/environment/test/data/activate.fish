# HEP/1.0 for x86_64-el9-gcc13-opt
if set -qg __baryon_mark; baryon_deactivate; end
set -g __baryon_mark '[HEP/1.0] '
for __baryon_name in BARYON_RELEASE BINARY_TAG CMTCONFIG HEP_DATA QUOTED PATH MANPATH XDG_DATA_DIRS ROOT_INCLUDE_PATH
  if set -qg $__baryon_name
    set -g __baryon_before_$__baryon_name $$__baryon_name
    set -g __baryon_was_$__baryon_name -gu
    set -qgx $__baryon_name; and set -g __baryon_was_$__baryon_name -gx
  end
end
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
for __baryon_name in BARYON_RELEASE BINARY_TAG CMTCONFIG HEP_DATA QUOTED PATH MANPATH XDG_DATA_DIRS ROOT_INCLUDE_PATH
  set -g __baryon_after_$__baryon_name "$$__baryon_name"
end
set -e __baryon_name
function __baryon_status; return $argv[1]; end
if status is-interactive; and functions -q fish_prompt
  functions -c fish_prompt __baryon_marked_prompt
  function fish_prompt
    set -l __baryon_last $status
    echo -n $__baryon_mark
    __baryon_status $__baryon_last
    __baryon_marked_prompt
  end
end
function __baryon_undo
  set -l __baryon_name $argv[1]
  set -l __baryon_before __baryon_before_$__baryon_name
  set -l __baryon_was __baryon_was_$__baryon_name
  set -l __baryon_after __baryon_after_$__baryon_name
  set -l __baryon_value "$$__baryon_name"
  if test "x$__baryon_value" != "x$$__baryon_after"
    for __baryon_pattern in (seq 3 2 (count $argv))
      set -l __baryon_separator $argv[(math $__baryon_pattern - 1)]
      set __baryon_value $__baryon_separator$__baryon_value$__baryon_separator
      set __baryon_value (string replace -r -- $argv[$__baryon_pattern] "\$1$__baryon_separator\$2" $__baryon_value | string collect)
      set __baryon_value (string replace -r -- '(?s)\A.(.*?).?\z' '$1' $__baryon_value | string collect)
    end
    test "x$__baryon_value" = "x$$__baryon_name"; or set -gx $__baryon_name $__baryon_value
  else if set -qg $__baryon_was
    set $$__baryon_was $__baryon_name $$__baryon_before
  else
    set -eg $__baryon_name
  end
end
function baryon_deactivate --description "Undo an activation of Baryon"
  if functions fish_prompt | string match -q "*__baryon_marked_prompt*"
    functions -e fish_prompt
    functions -c __baryon_marked_prompt fish_prompt
  end
  __baryon_undo BARYON_RELEASE
  __baryon_undo BINARY_TAG
  __baryon_undo CMTCONFIG
  __baryon_undo HEP_DATA
  __baryon_undo QUOTED
  __baryon_undo PATH ':' '(?s)^(.*?):/cvmfs/hep\\.example\\.org/nix/store/00000000000000000000000000000000\\-HEP\\-1\\.0\\-view/bin:/cvmfs/hep\\.example\\.org/nix/store/00000000000000000000000000000000\\-HEP\\-1\\.0\\-view/sbin:(.*)$'
  __baryon_undo MANPATH ':' '(?s)^(.*):/cvmfs/hep\\.example\\.org/nix/store/00000000000000000000000000000000\\-HEP\\-1\\.0\\-view/man:/last:(.*)$' ':' '(?s)^(.*?):/first:(.*)$' ':' '(?s)^(.*?):/cvmfs/hep\\.example\\.org/nix/store/00000000000000000000000000000000\\-HEP\\-1\\.0\\-view/share/man:(.*)$'
  __baryon_undo XDG_DATA_DIRS ':' '(?s)^(.*?):/cvmfs/hep\\.example\\.org/nix/store/00000000000000000000000000000000\\-HEP\\-1\\.0\\-view/share:(.*)$'
  __baryon_undo ROOT_INCLUDE_PATH ':' '(?s)^(.*?):/cvmfs/hep\\.example\\.org/nix/store/00000000000000000000000000000000\\-HEP\\-1\\.0\\-view/include:(.*)$'
  for __baryon_name in BARYON_RELEASE BINARY_TAG CMTCONFIG HEP_DATA QUOTED PATH MANPATH XDG_DATA_DIRS ROOT_INCLUDE_PATH
    set -eg __baryon_{before,was,after}_$__baryon_name
  end
  set -eg __baryon_mark
  functions -e __baryon_undo __baryon_status __baryon_marked_prompt baryon_deactivate
end
