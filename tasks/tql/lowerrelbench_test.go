package tql

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// TestSQL_relbenchTasks runs the declarative tasks of the reference over random rows of
// their tables: the lowered SQL and the executor in memory give the same labels.
func TestSQL_relbenchTasks(t *testing.T) {
	url := pgtest.URL(t)
	conn := connect(t, url)
	examples, ran := 0, 0
	for name, sc := range goldenSchemas(t, "relbench_schema.sql") {
		data := randomData(sc, 11)
		if _, err := conn.Exec(t.Context(), "CREATE SCHEMA "+identifier(name)); err != nil {
			t.Fatal(err)
		}
		load(t, url, sc, data)
		snap := snapshotOf(t, sc, data)
		for _, g := range goldenBlocks(t, "relbench_tasks.txt") {
			task, err := Bind(g["query"], sc)
			if g["schema"] != name || err != nil || task.Raw != nil {
				continue
			}
			ran++
			t.Run(g["task"], func(t *testing.T) { examples += checkRelbench(t, conn, task, sc, snap) })
		}
	}
	if ran != 28 || examples < 500 {
		t.Errorf("%d tasks with %d examples", ran, examples)
	}
}

func checkRelbench(t *testing.T, conn *pgx.Conn, task *tasks.Task, sc *schema.Schema, snap *ingest.Snapshot) int {
	o := &task.Options
	o.DataFrom, o.DataUntil, o.ValAnchor, o.TestAnchor = 1, day(5000), day(20), day(40)
	labels, err := labelsAt(t, task, snap)
	if err != nil {
		t.Fatal(err)
	}
	grid := &tasks.Grid{}
	grid.Anchors[tasks.Test] = relbenchAnchors
	sql, err := SQL(task, sc, grid)
	if err != nil {
		t.Fatal(err)
	}
	want := labelRows(labels, snap.Tables[task.Entity])
	if msg := sameRows(query(t, conn, sql), want); msg != "" {
		t.Errorf("%s\n%s", msg, sql)
	}
	if len(want) == 0 && strings.Contains(task.Text, " TIME ") {
		t.Error("no examples")
	}
	return len(want)
}

// relbenchAnchors lie among the drawn rows.
var relbenchAnchors = []int64{day(10), day(40), day(70)}

func labelsAt(t *testing.T, task *tasks.Task, snap *ingest.Snapshot) (*tasks.LabelTable, error) {
	if task.Static() {
		return tasks.Label(t.Context(), snap, task, 1)
	}
	return tasks.LabelAt(t.Context(), snap, task, relbenchAnchors)
}
