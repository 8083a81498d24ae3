#!/bin/sh
# All tests, then the engine once more in double precision. Both passes run, so that
# one call shows every failure; the exit code is 1 if any fails. Called beside a
# throw-away server: see the target "test" of the Makefile.
set -u
cd "$(dirname "$0")/.."
status=0
go test -timeout "${TEST_TIMEOUT:-20m}" ./... || status=1
echo "gnn in double precision (-tags real64):"
go test -timeout "${TEST_TIMEOUT:-20m}" -tags real64 ./gnn/... || status=1
if [ $status = 0 ]; then
	echo "all tests passed"
else
	echo "tests FAILED" >&2
fi
exit $status
