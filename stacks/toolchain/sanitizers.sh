mkdir -p "$out/lib"
cp -P "$raw"/usr/lib/x86_64-linux-gnu/lib*san.so.* "$out/lib/"
chmod -R u+w "$out/lib"
for f in "$out"/lib/*; do
  case $f in
    *.so.*.*) patchelf --force-rpath --set-rpath "$out/lib:$gccLib/lib:$glibc/lib" "$f" ;;
    *) ;;
  esac
done
for f in asan lsan tsan ubsan; do
  set -- "$out"/lib/lib$f.so.*
  ln -s "$(basename "$1")" "$out/lib/lib$f.so"
done
source "$bind"
bindLibraries "$out"
