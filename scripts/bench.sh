#!/bin/sh
# Benchmarks, ours against the peer in the same run:  npm run bench [-- evaluator|command|store|cache|server|cvmfs|mount|run …]
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh --quiet --tests
# The figures are measured by processes of their own, which would each say that something of Node is new.
export NODE_OPTIONS=--disable-warning=ExperimentalWarning
exec node_modules/.bin/node scripts/bench.ts "$@"
