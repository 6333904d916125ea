#!/bin/sh
# Types, lint, format, arrows between packages. Fails on the first kind that is not clean.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH
export PATH
tsc -p .
biome check --error-on-warnings .
node scripts/arrows.ts
