// Package bench owns the loads that are timed side by side with other tools: kernels,
// layers, sampling, an epoch of rel-f1, scoring. `rowlink bench` prints them as one
// table, `go test -bench` runs the same cases, and bench/peers sets them beside the
// figures of other engines.
package bench
