#!/bin/bash
# Linker wrapper: gives every product the store's loader and a run path made of
# the directories where its libraries were found. The run path is DT_RPATH: with
# DT_RUNPATH the LD_LIBRARY_PATH of a site would mix the host's C library in.
args=()
for arg in "$@"; do
  if [[ $arg == @* && -r ${arg#@} ]]; then
    # Response files hold shell-quoted words.
    eval "args+=($(< "${arg#@}"))"
  else
    args+=("$arg")
  fi
done

dynamic=1 wants= directories=() libraries=() found=() result=()
for ((i = 0; i < ${#args[@]}; i++)); do
  arg=${args[i]}
  case $arg in
    -r | --relocatable | -Ur | -static | --static | -Bstatic-pie) dynamic= ;;
    -dynamic-linker | --dynamic-linker | -I)
      result+=("$arg" @glibc@/lib/ld-linux-x86-64.so.2)
      i=$((i + 1))
      continue
      ;;
    -dynamic-linker=* | --dynamic-linker=*)
      result+=(-dynamic-linker @glibc@/lib/ld-linux-x86-64.so.2)
      continue
      ;;
    --enable-new-dtags) continue ;;
    -plugin | -o | -soname | -h | -rpath | --rpath | -rpath-link | -z | -m | -T | --version-script)
      result+=("$arg" "${args[i + 1]}")
      i=$((i + 1))
      continue
      ;;
    -L) directories+=("${args[i + 1]}") ;;
    -L*) directories+=("${arg#-L}") ;;
    -l) libraries+=("${args[i + 1]}") ;;
    -l*) libraries+=("${arg#-l}") ;;
    "$NIX_STORE"/*.so | "$NIX_STORE"/*.so.*) found+=("${arg%/*}") ;;
  esac
  result+=("$arg")
done

if [[ -z $dynamic ]]; then
  exec @real@ "${result[@]}"
fi

result+=($NIX_LDFLAGS)
for arg in $NIX_LDFLAGS; do
  case $arg in
    -L*) directories+=("${arg#-L}") ;;
    -l*) libraries+=("${arg#-l}") ;;
  esac
done
for directory in "${directories[@]}"; do
  [[ $directory == "$NIX_STORE"/* ]] || continue
  for library in "${libraries[@]}"; do
    case $library in
      :*) file=${library#:} ;;
      *) file=lib$library.so ;;
    esac
    if [[ -e $directory/$file ]]; then
      found+=("$directory")
      break
    fi
  done
done

paths=() seen=:
for output in $outputs; do
  [[ $output == out || $output == lib ]] && found=("${!output}/lib" "${found[@]}")
done
for directory in "${found[@]}" @gccLib@/lib @glibc@/lib; do
  [[ $seen == *":$directory:"* ]] && continue
  seen+=$directory:
  paths+=(-rpath "$directory")
done
exec @real@ "${result[@]}" "${paths[@]}" --disable-new-dtags --build-id=sha1
