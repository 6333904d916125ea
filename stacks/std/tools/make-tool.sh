mkdir -p "$out/bin" "$out/nix-support"
for program in $programs; do
  ln -s "/usr/bin/$program" "$out/bin/$program"
done
if [ -n "$hook" ]; then
  text=$(< "$hook")
  printf '%s\n' "${text//@shell@/$shell}" > "$out/nix-support/setup-hook"
fi
