#!/usr/bin/env bash
# Measures fsdfm against PyTorch on the same network, weights and cores, and
# prints the table of docs/PERFORMANCE.md:
#
#   scripts/bench_vs_pytorch.sh [-quick] [-only REGEXP] >table.md
#
# About 20 minutes, with -quick 2. As root it runs with real-time priority, so
# that other programs disturb less (they get 5 % of the cores meanwhile).
# PYTHON names a Python that has torch, default /usr/bin/python3.
set -euo pipefail
PYTHON=${PYTHON:-/usr/bin/python3}

if ! "$PYTHON" -c 'import torch' 2>/dev/null; then
  cat >&2 <<END
bench_vs_pytorch.sh: $PYTHON has no torch. Install it with
  apt-get install python3-torch libopenblas0-pthread
or name a Python that has it: PYTHON=/path/to/python3 $0
END
  exit 1
fi

build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
scripts=$(cd "$(dirname "$0")" && pwd)
go -C "$scripts/.." build -o "$build/bench" ./scripts/bench
go -C "$scripts/.." test -c -o "$build/kernels" ./ops/kernel

priority=()
if [ "$(id -u)" = 0 ] && chrt -r 1 true 2>/dev/null; then
  priority=(chrt -r 1)
fi
"${priority[@]}" "$build/bench" -kernels "$build/kernels" -python "$PYTHON" -reference "$scripts/reference.py" "$@"
