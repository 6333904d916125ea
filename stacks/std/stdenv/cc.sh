#!/bin/bash
# Compiler wrapper. Defaults stand before the package's own arguments, so that
# a package's -O3 wins; what the inputs add stands after them.
before=(-B@out@/bin @flags@)
after=($NIX_CFLAGS_COMPILE)
language=@language@
standard=@cxxStandard@
link=1
cxx=
[[ $language == c++ ]] && cxx=1
args=()
for arg in "$@"; do
  case $arg in
    -c | -S | -E | -M | -MM | -fsyntax-only) link= ;;
    -O | -O[0-9sgz] | -Ofast) [[ -n "@forceOptimisation@" ]] && continue ;;
    -nostdinc) after=() ;;
    c++ | -xc++ | -xc++-header) cxx=1 ;;
    *.cc | *.cpp | *.cxx | *.C | *.c++ | *.cp) cxx=1 ;;
    -std=c++* | -std=gnu++*)
      # A stack's standard raises what packages ask for and never lowers it.
      if [[ -n $standard ]]; then
        asked=${arg##*++}
        case $asked in
          98 | 03) rank=3 ;;
          0x) rank=11 ;;
          1y) rank=14 ;;
          1z) rank=17 ;;
          2a) rank=20 ;;
          2b) rank=23 ;;
          *) rank=$asked ;;
        esac
        ((rank < standard)) && arg=${arg%"$asked"}$standard
      fi
      ;;
  esac
  args+=("$arg")
done
[[ $language == preprocess ]] && link=
[[ -n $standard && -n $cxx ]] && before+=(-std=gnu++$standard)
if [[ $language != fortran ]]; then
  [[ -n $NIX_CFLAGS_COMPILE_BEFORE ]] && before+=($NIX_CFLAGS_COMPILE_BEFORE)
else
  after=($NIX_FFLAGS)
fi
if [[ -n $link ]]; then
  [[ -n $NIX_CFLAGS_LINK ]] && after+=($NIX_CFLAGS_LINK)
fi
[[ @family@ == clang ]] && before+=(-Wno-unused-command-line-argument)
[[ -n $NIX_DEBUG ]] && printf 'cc: %q\n' @real@ "${before[@]}" "${args[@]}" "${after[@]}" >&2
exec @real@ "${before[@]}" "${args[@]}" "${after[@]}"
