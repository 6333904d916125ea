#!/bin/sh
# The first way through, for a newcomer: builds a small HEP stack for two compilers and runs an analysis from both.
# Everything is kept under the root (BARYON_ROOT, by default ~/.local/share/baryon); a second run only checks.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh --quiet

baryon=$PWD/bin/baryon
gcc12=x86_64-debian12-gcc12-opt
gcc11=x86_64-debian12-gcc11-opt
output=${XDG_DATA_HOME:-$HOME/.local/share}/baryon
output=${BARYON_ROOT:-$output}/start
mkdir -p "$output"
if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
heading() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

heading "1. Build: stacks/hep, the analysis for $gcc12 and $gcc11"
"$baryon" build -f stacks/hep analysis --platform "$gcc12" --platform "$gcc11" --out-link "$output/analysis"

heading "2. Run: 2000 events through each variant"
for platform in $gcc12 $gcc11; do
  "$baryon" run -c "$platform" analysis -- analysis --events 2000 --seed 1 \
    --output "$output/$platform.hepmc3" --svg "$output/$platform.svg" >"$output/$platform.txt"
done
cat "$output/$gcc12.txt"
for kind in txt svg hepmc3; do
  cmp -s "$output/$gcc12.$kind" "$output/$gcc11.$kind" || { echo "start: the variants differ: $output/*.$kind" >&2; exit 1; }
done
printf 'Both variants agree, byte for byte: table, histogram and %s events file.\n' "$(wc -c <"$output/$gcc12.hepmc3" | awk '{ printf "%.1f MB", $1 / 1e6 }')"
printf 'Histogram: %s\n' "$output/$gcc12.svg"

heading '3. Closures: all that a node needs'
for platform in $gcc12 $gcc11; do
  printf '%s\n' "$platform"
  "$baryon" store closure -f stacks/hep analysis --platform "$platform" --size
done

heading '4. Publish to CVMFS, and run from there'
published=$(readlink "$output/analysis-$gcc12" "$output/analysis-$gcc11")
if [ "$(cat "$output/published" 2>/dev/null)" = "$published" ]; then
  printf 'Published, copied and tried already: %s\n' "$output/cvmfs"
else
  sh scripts/start-cvmfs.sh "$output/cvmfs" "$output/analysis-$gcc12" "$output/analysis-$gcc11"
  printf '%s\n' "$published" >"$output/published"
fi
printf 'To look around there: bin/baryon repository mount %s /cvmfs/lhcb.example.org\n' "$output/cvmfs/lhcb.example.org"

heading 'Next'
cat <<END
  bin/baryon run analysis -- analysis --help                      the program you have just built
  bin/baryon shell hepmc3 fastjet                                 a shell on top of the stack, for your own code
  bin/baryon build -f stacks/hep clhep --platform x86_64-debian12-clang16-opt
                                                                  one more package, with another compiler
END
