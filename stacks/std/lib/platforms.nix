rec {
  linux = [ "x86_64-linux" "aarch64-linux" ];
  x86_64 = [ "x86_64-linux" ];
  aarch64 = [ "aarch64-linux" ];
  unix = linux;
  all = linux;
}
