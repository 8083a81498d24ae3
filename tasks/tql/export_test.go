package tql

import (
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
)

// rawSource answers tasks in SQL from a snapshot. Package rawsql imports this one, so the
// tests of package tql_test hand it in.
var rawSource func(*ingest.Snapshot) tasks.LabelSource

// SetRawSource gives the tests inside this package a source of labels for tasks in SQL.
func SetRawSource(source func(*ingest.Snapshot) tasks.LabelSource) bool {
	rawSource = source
	return true
}
