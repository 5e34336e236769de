#!/usr/bin/env bash
# The measurements, as JSON lines. Started by ./play bench, which sets up what this needs.
#   web: only the page's
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-all}" != web ]; then
  cargo build --release --quiet -p tests
  for pods in 100 1000 10000; do
    "${CARGO_TARGET_DIR:-target}/release/kaiki" bench pods --pods "$pods" --nodes $((pods / 100 + 1))
  done
  ours="$("${CARGO_TARGET_DIR:-target}/release/kaiki" bench pods --pods 300 --nodes 4 | node -e 'const r = JSON.parse(require("fs").readFileSync(0)); console.log(r.pods / Math.max(r.cpu_s, 0.01))')"
  node tests/bench/webernetes.mjs 300 "$ours"
fi
[ -f dist/index.html ] || ./play build >&2
node tests/browser/bench.mjs
