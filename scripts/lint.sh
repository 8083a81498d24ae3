#!/bin/sh
# Formatting, vet, staticcheck and the rules of internal/archtest. All of them run, so
# that one call shows every finding; the exit code is 1 if any complains.
# STATICCHECK may name an installed one; the default needs nothing but Go.
set -u
cd "$(dirname "$0")/.."
status=0

unformatted=$(find . -name '*.go' -not -path './.git/*' -not -path '*/testdata/*' -exec gofmt -s -l {} +)
if [ -n "$unformatted" ]; then
	echo "gofmt -s would change these files; run: gofmt -s -w ." >&2
	echo "$unformatted" >&2
	status=1
fi
go vet ./... || status=1
${STATICCHECK:-go run honnef.co/go/tools/cmd/staticcheck@v0.8.2} ./... || status=1
go test ./internal/archtest || status=1
exit $status
