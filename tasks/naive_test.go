package tasks_test

import (
	"os"
	"testing"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/labeltest"
	"github.com/rowlink/rowlink/tasks"
)

func TestMain(m *testing.M) {
	tasks.SetNaive(func(snap *ingest.Snapshot, task *tasks.Task, entity int32, anchor int64) any {
		return labeltest.Naive{Snap: snap, Task: task}.Label(tasks.Test, entity, anchor)
	}, labeltest.Number)
	os.Exit(m.Run())
}
