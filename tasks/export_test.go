package tasks

import "github.com/rowlink/rowlink/ingest"

// The naive executor imports this package, so the tests of package tasks_test hand it in.
var (
	naiveLabel  func(snap *ingest.Snapshot, task *Task, entity int32, anchor int64) any
	naiveNumber func(label any) float64
)

// SetNaive gives the tests inside this package the naive executor.
func SetNaive(label func(*ingest.Snapshot, *Task, int32, int64) any, number func(any) float64) {
	naiveLabel, naiveNumber = label, number
}
