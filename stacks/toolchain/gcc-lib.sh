# Compiler libraries. Each carries its own run path: one library's is not
# inherited by the libraries it needs.
from=/usr/lib/x86_64-linux-gnu
mkdir -p "$out/lib"
for f in libstdc++ libgcc_s libgfortran libquadmath libgomp libatomic libitm; do
  cp -P $from/$f.so.* "$out/lib/"
done
chmod -R u+w "$out/lib"
for f in "$out"/lib/*; do
  [ -L "$f" ] || patchelf --force-rpath --set-rpath "$out/lib:$glibc/lib" "$f"
done
source "$bind"
bindLibraries "$out"
