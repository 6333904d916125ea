mkdir -p "$out/bin" "$out/lib"
cp -P /usr/lib/x86_64-linux-gnu/libtinfo.so.* "$out/lib/"
cp /usr/bin/bash "$out/bin/"
chmod -R u+w "$out"
patchelf --set-interpreter "$glibc/lib/ld-linux-x86-64.so.2" "$out/bin/bash"
patchelf --force-rpath --set-rpath "$out/lib:$glibc/lib" "$out/bin/bash"
for f in "$out"/lib/*; do
  [ -L "$f" ] || patchelf --force-rpath --set-rpath "$glibc/lib" "$f"
done
ln -s bash "$out/bin/sh"
source "$bind"
bindLibraries "$out"
