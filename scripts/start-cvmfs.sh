#!/bin/sh
# The way to the nodes, for a newcomer: store paths become a CVMFS repository, a Stratum 1 copies it, and a program runs from a mount.
#   start-cvmfs.sh DIRECTORY LINK…     where all of it is kept; links of `baryon build` to what is published
# Through Squid where it is installed, and by a mount where this user may open /dev/fuse; else by a copy of the paths.
set -eu
clone=$(cd "$(dirname "$0")/.." && pwd)
baryon=$clone/bin/baryon
name=lhcb.example.org
BARYON_STORE_DIR=/cvmfs/$name/nix/store
export BARYON_STORE_DIR
directory=$1
shift
mkdir -p "$directory"
# From here on the arguments are the name of each link and its store path.
paths=
for link; do
  shift
  path=$(readlink "$link")
  path=$BARYON_STORE_DIR/${path##*/}
  paths="$paths $path"
  set -- "$@" "${link##*/}" "$path"
done
cd "$directory"
servers=
trap 'for server in $servers; do kill "$server" 2>/dev/null || :; done' EXIT
trap 'exit 130' INT TERM

# The address of the repository in $1, in $url; the server's process is the last of $servers.
serve() {
  "$baryon" repository serve "$1" --port 0 --quiet --max-age 1 >"$1.address" 2>"$1.log" &
  servers="$servers $!"
  while ! url=$(grep -o 'http://[^ ]*' "$1.address" | head -n 1) || [ -z "$url" ]; do
    kill -0 "${servers##* }" 2>/dev/null || { cat "$1.log" >&2; exit 1; }
    sleep 0.05
  done
  url=${url%/}/cvmfs/$name
}

if [ ! -e "$name/.cvmfspublished" ]; then
  echo 'A repository, with keys of its own:'
  "$baryon" repository create "$name" --dir "$name"
fi
echo 'Published, the analysis for both platforms with all that it needs:'
# Store paths have no spaces.
"$baryon" repository publish "$name" $paths

through=
squid=$(PATH=$PATH:/usr/sbin command -v squid) || squid=
if [ -n "$squid" ]; then
  port=$("$clone/node_modules/.bin/node" -e 'const s = net.createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
  cat >squid.conf <<END
http_port 127.0.0.1:$port
http_access allow all
cache_mem 64 MB
maximum_object_size_in_memory 32 MB
access_log none
cache_log $PWD/squid.log
pid_filename none
netdb_filename none
pinger_enable off
coredump_dir $PWD
visible_hostname localhost
shutdown_lifetime 0 seconds
END
  "$squid" -N -f squid.conf 2>/dev/null &
  servers="$servers $!"
  # Without Squid, should it not have started.
  CVMFS_HTTP_PROXY="http://127.0.0.1:$port;DIRECT"
  export CVMFS_HTTP_PROXY
  through=' through Squid'
fi

serve "$name"
echo "Copied to a Stratum 1$through, every object verified:"
"$baryon" repository replicate "$url" stratum1 --key "$name.keys/$name.pub"
serve stratum1

if [ -r /dev/fuse ] && [ -w /dev/fuse ]; then
  # A node: nothing of ours but the client, and the mount.
  cat >node.sh <<'END'
count=1
while [ $# -gt 0 ]; do
  begin=$(date +%s%N)
  "$2/bin/analysis" --events 2000 --seed 1 --output "events-$count.hepmc3" --svg "histogram-$count.svg" >"table-$count.txt"
  end=$(date +%s%N)
  printf '  %s: %s events of the same table in %s s\n' "$1" 2000 "$(echo "$begin $end" | awk '{ printf "%.1f", ($2 - $1) / 1e9 }')"
  cmp -s "table-$count.txt" table-1.txt || { echo "the variants differ: $PWD/table-*.txt" >&2; exit 1; }
  count=$((count + 1))
  shift 2
done
END
  rm -rf node
  for state in 'nothing cached' 'all in the cache of the node'; do
    echo "Run from /cvmfs/$name, mounted without root$through, with $state:"
    XDG_CACHE_HOME=$PWD/node "$baryon" repository mount "$url" "/cvmfs/$name" --key "$name.keys/$name.pub" -- sh node.sh "$@"
  done
else
  echo 'This user may not open /dev/fuse: instead of a mount, a copy in a store of its own.'
  "$baryon" repository fetch "$url" $paths --key "$name.keys/$name.pub" --root "$PWD/node"
fi
