#!/usr/bin/env bash
# Treats runs badly and checks that nothing is lost (docs/RELIABILITY.md).
#
#   scripts/torture.sh           10 kills, 50 faults: under a minute
#   scripts/torture.sh -long     100 kills, 500 faults, 10,000 steps of memory
#   scripts/torture.sh -kills 3 -faults 0 -seed 7 -v      as one likes
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
go build -o "$folder/" ./cmd/fsdfm-train ./internal/torture
if [ "${1:-}" = -long ]; then
  shift
  set -- -kills 100 -faults 500 -steps 10000 "$@"
fi
"$folder/torture" -program "$folder/fsdfm-train" -dir "$folder/work" "$@"
