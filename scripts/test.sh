#!/bin/sh
# Lint, all tests, then the engine once more in double precision and once more without
# machine code. All four run, so that one call shows every failure; the exit code is 1 if any fails. Called beside a
# throw-away server: see the target "test" of the Makefile.
set -u
cd "$(dirname "$0")/.."
status=0
scripts/lint.sh || status=1
go test -timeout "${TEST_TIMEOUT:-20m}" ./... || status=1
echo "gnn in double precision (-tags real64):"
go test -timeout "${TEST_TIMEOUT:-20m}" -tags real64 ./gnn/... || status=1
echo "gnn/tensor without machine code (-tags noasm):"
go test -timeout "${TEST_TIMEOUT:-20m}" -tags noasm ./gnn/tensor/... || status=1
if [ $status = 0 ]; then
	echo "lint and all tests passed"
else
	echo "lint or tests FAILED, see above" >&2
fi
exit $status
