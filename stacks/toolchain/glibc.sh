# The C library as the distribution built it, made deaf to the host.
mkdir -p "$out/lib"
cd /usr/lib/x86_64-linux-gnu
cp -P ld-linux-x86-64.so.2 libBrokenLocale.so.1 libanl.so.1 libc.so.6 libc_malloc_debug.so.0 libcrypt.so.1* \
  libdl.so.2 libm.so.6 libmemusage.so libmvec.so.1 libnsl.so.1 libnss_*.so.2 libpcprofile.so libpthread.so.0 \
  libresolv.so.2 librt.so.1 libthread_db.so.1 libutil.so.1 "$out/lib/"
chmod -R u+w "$out/lib"

# ld.so looks into the host's cache, preload file and default directories.
# Replaced in place, same length: patchelf must never touch ld.so.
perl -0777 -pi -e '
  sub same { my ($from, $to) = @_;
    die "not the same length: $from" if length $from != length $to;
    my $n = s/\Q$from\E/$to/g;
    die "not found: $from" unless $n; }
  same("/etc/ld.so.cache",   "/proc/0/nocachex");
  same("/etc/ld.so.preload", "/proc/0/nopreloadx");
  same("/lib/x86_64-linux-gnu/\0/usr/lib/x86_64-linux-gnu/\0/lib/\0/usr/lib/\0",
       "/proc/0/lib-of-the-ho/\0/proc/0/lib-of-the-host-x/\0/sys/\0/proc/00/\0");
' "$out/lib/ld-linux-x86-64.so.2"
chmod u+w "$out"/lib/*

# Converters of the host belong to another glibc and could not be loaded.
perl -0777 -pi -e 's{/usr/lib/x86_64-linux-gnu/gconv}{/proc/0/set-GCONV_PATH-for-that}g or die' "$out/lib/libc.so.6"

# pthread_cancel and backtrace load libgcc_s from libc itself, which only sees
# its own run path.
cp /usr/lib/x86_64-linux-gnu/libgcc_s.so.1 "$out/lib/"
chmod -R u+w "$out/lib"
patchelf --force-rpath --set-rpath '$ORIGIN' "$out/lib/libc.so.6"
for f in "$out"/lib/*.so*; do
  case $f in */ld-linux* | */libc.so.6) ;; *) [ -L "$f" ] || patchelf --force-rpath --set-rpath "$out/lib" "$f" ;; esac
done
