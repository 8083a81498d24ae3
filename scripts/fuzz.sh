#!/bin/sh
# Runs every fuzz target for FUZZTIME (default 5s each); stops at the first finding.
set -eu
cd "$(dirname "$0")/.."
files=$(find . -name '*_test.go' -not -path '*/testdata/*' -exec grep -l '^func Fuzz' {} + || true)
for dir in $(for f in $files; do dirname "$f"; done | sort -u); do
	targets=$(go test -list '^Fuzz' "$dir") # apart, so that a package that does not build stops the script
	for target in $(echo "$targets" | grep '^Fuzz'); do
		echo "$dir $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-5s}" "$dir"
	done
done
