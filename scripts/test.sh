#!/bin/sh
# The whole test run of a fresh clone: set-up, checks, then every *.test.ts.
#   test.sh [--long] [FILE…]     --long: soak and large parity runs as well (*.long.ts)
# A test may be skipped only when a peer is missing; with CI set, any skip fails the run.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh --tests
PATH=$PWD/node_modules/.bin:$PATH
export PATH

patterns="packages/**/*.test.ts"
# What takes longer than these, ten minutes for a test and 25 for a file, hangs.
timeout=600000
if [ "${1:-}" = --long ]; then
  shift
  # A soak takes hours.
  timeout=0
  export BARYON_TEST_PATIENCE="${BARYON_TEST_PATIENCE:-Infinity}"
  patterns="$patterns packages/**/*.long.ts"
fi
if [ $# -gt 0 ]; then
  patterns=$*
else
  sh scripts/check.sh
fi
skips=$(mktemp)
late=$(mktemp)
trap 'rm -f "$skips" "$late"' EXIT
status=0
# shellcheck disable=SC2086  # the patterns are a list; Node expands them
node --disable-warning=ExperimentalWarning --test --test-concurrency=2 --test-timeout=$timeout \
  --test-reporter=spec --test-reporter-destination=stdout \
  --test-reporter=./scripts/skip-reporter.ts --test-reporter-destination="$skips" \
  --test-reporter=./scripts/test-watchdog.ts --test-reporter-destination="$late" $patterns </dev/null || status=$?
cat "$late" >&2
if [ -s "$skips" ]; then
  echo "skipped tests:" >&2
  cat "$skips" >&2
  if [ -n "${CI:-}" ]; then
    echo "with CI set every peer must be there: a skip is a failure" >&2
    status=1
  fi
fi
exit "$status"
