#!/bin/sh
# Makes the peers' Python environment: bench/peers/.venv, or $BENCH_VENV. Public packages
# only, pinned in requirements.txt. BENCH_PIP_ARGS goes to pip, for instance to name an
# index with the smaller CPU builds of torch. An environment that has all packages is
# left alone.
#
# pyg-lib, the native temporal sampler of PyG, is not in the package index. Where pip
# finds none, gnn.py falls back to a sampler of ours, whose time is not counted. To
# compare with pyg-lib build it from its public source and set BENCH_PYG_LIB to the
# folder that holds the package pyg_lib.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${BENCH_VENV:-$here/.venv}
want=$(cksum <"$here/requirements.txt")
if [ -x "$venv/bin/python" ] && { [ "$(cat "$venv/requirements.cksum" 2>/dev/null)" = "$want" ] ||
	"$venv/bin/python" -c 'import torch, torch_geometric, torch_frame, relbench, lightgbm' 2>/dev/null; }; then
	exit 0
fi
echo "making the peers' environment in $venv (a few GB, some minutes)" >&2
${PYTHON:-python3} -m venv "$venv"
# shellcheck disable=SC2086 # several arguments are meant to be split
"$venv/bin/pip" install -q ${BENCH_PIP_ARGS:-} -r "$here/requirements.txt"
echo "$want" >"$venv/requirements.cksum"
