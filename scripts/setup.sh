#!/bin/sh
# Installs what a clone needs: the pinned Node and npm packages from the lock file, and missing Debian packages; packs
# the commands.
#   setup.sh [--quiet] [--tests]      --tests: also the peers that the tests compare with
# Idempotent and quick when nothing is missing: it only compares the lock file with the one that was installed, and the states of files.
set -eu
cd "$(dirname "$0")/.."

quiet=false tests=false
for argument in "$@"; do
  case $argument in
    --quiet) quiet=true ;;
    --tests) tests=true ;;
    *) echo "usage: setup.sh [--quiet] [--tests]" >&2; exit 2 ;;
  esac
done
say() { $quiet || printf '%s\n' "$*" >&2; }

# --- npm packages, the pinned Node among them -------------------------------------------------------------------
stamp=node_modules/.baryon-lock
if ! cmp -s package-lock.json "$stamp"; then
  say "setup: installing the pinned Node and npm packages from the lock file"
  command -v npm >/dev/null 2>&1 || { echo "setup: npm is missing; install Node.js with npm first" >&2; exit 1; }
  # Not `npm ci`: it refuses the whole lock file when a registry lacks a tool's package for some other platform.
  npm install --no-save --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json "$stamp"
fi

# --- the commands in few files -----------------------------------------------------------------------------------
# Does nothing if they have not changed.
if [ -w . ]; then
  node_modules/.bin/node scripts/pack.ts || echo "setup: the commands could not be packed; they run from their sources" >&2
fi

# --- Debian packages --------------------------------------------------------------------------------------------
# What a build needs is one way to isolate it: bubblewrap, or util-linux unshare, which every Debian has.
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
command -v bwrap >/dev/null 2>&1 || command -v unshare >/dev/null 2>&1 || missing="$missing bubblewrap"
if $tests; then
  need bwrap bubblewrap
  need proot proot
  # The shell of a sandbox without a build root: one file with the common programs in it, if it needs no library.
  ldd "$(command -v busybox)" 2>&1 | grep -q 'not a dynamic executable' || missing="$missing busybox-static"
  need nix-instantiate nix-bin
  need zsh zsh
  need fish fish
  need tcsh tcsh
  need git git
  need xz xz-utils
  need bzip2 bzip2
  need zstd zstd
  need zip zip
  need curl curl
  need dpkg-deb dpkg
  need readelf binutils
  need strace strace
  need gdb gdb
  need faketime faketime
  need openssl openssl
  need gpg gpg
  need gpgconf gpgconf
  need gpgv gpgv
  [ -x /usr/sbin/squid ] || need squid squid
  [ -e /usr/share/lmod/lmod/init/bash ] || need lmod-is-not-a-program lmod
  need tclsh tcl
  need dash dash
  need setpriv util-linux
  [ -x /usr/bin/python3 ] || missing="$missing python3"
  need pypy3 pypy3
  ls /usr/lib/*/libdeflate.so.0 >/dev/null 2>&1 || missing="$missing libdeflate0"
fi
if [ -n "$missing" ]; then
  line="apt-get install -y --no-install-recommends$missing"
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "setup: installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=300 update >/dev/null 2>&1 || say "setup: the package lists could not be refreshed"
    # shellcheck disable=SC2086  # the list is a list
    apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing >/dev/null ||
      { echo "setup: an administrator must run: $line" >&2; $tests || exit 1; }
  else
    echo "setup: missing:$missing. An administrator must run: $line" >&2
  fi
fi

# --- a peer whose package excludes another one ------------------------------------------------------------------
modules=build/peers/environment-modules
if $tests && [ ! -d "$modules" ] && command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1; then
  say "setup: unpacking environment-modules, which cannot be installed beside lmod"
  aside=$(mktemp -d)
  mkdir -p build/peers
  if (cd "$aside" && apt-get -qq -o APT::Sandbox::User=root download environment-modules >/dev/null 2>&1) &&
    dpkg-deb -x "$aside"/environment-modules_*.deb "$aside/x"; then
    rm -rf "$modules" && mv "$aside/x" "$modules"
  else
    say "setup: environment-modules could not be downloaded"
  fi
  rm -rf "$aside"
fi
