# $out/setup is what a builder sources; everything it needs is in that one file.
mkdir -p "$out"
{
  echo "# Written from the standard environment's sources."
  printf 'export NIX_CC=%s\n' "$cc"
  printf 'defaultBuildType=%s\n' "$buildType"
  printf 'defaultBuildFlags=%q\n' "$buildFlags"
  printf 'stdenvSplitDebugInfo=%s\n' "$splitDebugInfo"
  printf 'stdenvKeepSymbols=%s\n' "$keepSymbols"
  cat "$setup" "$build" "$fixup" "$bind"
  echo 'startStdenv'
} > "$out/setup"
