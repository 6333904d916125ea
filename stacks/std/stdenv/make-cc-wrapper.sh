mkdir -p "$out/bin" "$out/nix-support"

fill() { # template target real-program language
  local text
  text=$(< "$1")
  text=${text//@real@/$3}
  text=${text//@language@/${4-}}
  text=${text//@out@/$out}
  text=${text//@flags@/$flags}
  text=${text//@family@/$family}
  text=${text//@cxxStandard@/$cxxStandard}
  text=${text//@forceOptimisation@/$forceOptimisation}
  text=${text//@glibc@/$glibc}
  text=${text//@gccLib@/$gccLib}
  printf '%s\n' "$text" > "$2"
  chmod 555 "$2"
}

for pair in $programs; do
  name=${pair%%=*} real=${pair#*=}
  case $name in
    cpp) language=preprocess ;;
    *++*) language=c++ ;;
    gfortran* | f[79]*) language=fortran ;;
    *) language=c ;;
  esac
  fill "$ccScript" "$out/bin/$name" "/usr/bin/$real" $language
done
for ld in ld ld.bfd ld.gold ld.lld; do
  fill "$ldScript" "$out/bin/$ld" "/usr/bin/$ld"
done
printf '%s\n' "$glibc/lib/ld-linux-x86-64.so.2" > "$out/nix-support/dynamic-linker"
