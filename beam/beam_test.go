package beam

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/bench/relf1"
	"github.com/rowlink/rowlink/ingest"
	_ "github.com/rowlink/rowlink/ingest/csvdir" // the scheme "csv:"
	"github.com/rowlink/rowlink/ingest/parquet"
	"github.com/rowlink/rowlink/internal/testdata"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

// stored is a snapshot in a folder, opened as any job opens it.
type stored struct {
	*ingest.Snapshot
	folder string
}

// store keeps a snapshot in a temporary folder.
func store(t testing.TB, snap *ingest.Snapshot) stored {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "snapshot")
	if err := snap.Save(dir); err != nil {
		t.Fatal(err)
	}
	snap.Close()
	got, err := ingest.OpenSnapshot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { got.Close() })
	return stored{got, dir}
}

// relF1 is rel-f1.
func relF1(t testing.TB) stored {
	snap, err := relf1.Snapshot(t.Context(), testdata.Path(t, "data", "f1"))
	if err != nil {
		t.Fatal(err)
	}
	return store(t, snap)
}

// journey is data/completejourney.
func journey(t testing.TB) stored {
	src, err := ingest.Open(t.Context(), "csv:"+testdata.Path(t, "data", "completejourney"), ingest.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	raw, err := ingest.Take(t.Context(), src, ingest.TakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sc := raw.Schema.Clone()
	schema.Infer(sc, raw.Stats())
	snap, err := raw.Derive(sc)
	if err != nil {
		t.Fatal(err)
	}
	return store(t, snap)
}

func bind(t testing.TB, s stored, text string) *tasks.Task {
	t.Helper()
	task, err := tql.Bind(text, s.Schema)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// lines reads a result: one line per row, without order.
func lines(t testing.TB, folder string) []string {
	t.Helper()
	var out []string
	for _, table := range tables(t, folder) {
		for row := range table.Rows {
			var cells []string
			for c := range table.Columns {
				cells = append(cells, fmt.Sprint(table.Columns[c].Value(row)))
			}
			out = append(out, strings.Join(cells, ","))
		}
	}
	slices.Sort(out)
	return out
}

// labelLines are those that the label table of one machine gives.
func labelLines(t testing.TB, s stored, task *tasks.Task) []string {
	t.Helper()
	l, err := tasks.Label(t.Context(), s.Snapshot, task, 0)
	if err != nil {
		t.Fatal(err)
	}
	entity := s.Tables[task.Entity]
	var out []string
	for i := range l.Label {
		var cells []string
		for _, v := range parquet.KeyCells(entity, l.Entity[i]) {
			cells = append(cells, fmt.Sprint(v))
		}
		anchor := ingest.Column{Kind: schema.Time, Ints: l.Anchor}
		var label any = l.Text(i)
		if task.Numeric() {
			label = l.Label[i]
		}
		out = append(out, strings.Join(append(cells, fmt.Sprint(anchor.Value(i)), fmt.Sprint(label), l.Split[i].String()), ","))
	}
	slices.Sort(out)
	return out
}

// sameLines fails where two results differ.
func sameLines(t testing.TB, got, want []string) {
	t.Helper()
	if len(want) == 0 {
		t.Fatal("nothing to compare with")
	}
	if slices.Equal(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%d rows, want %d; sorted row %d is %s, want %s", len(got), len(want), i, got[i], want[i])
		}
	}
	t.Fatalf("%d rows, want %d", len(got), len(want))
}

// f1Tasks read over one and several links, up and down, numbers and classes.
var f1Tasks = []string{
	relf1.Position,
	`CREATE TASK dnf AS PREDICT COUNT(results.* WHERE results.statusId <> 1, 0, 30, days) > 0 FOR EACH drivers.driverId
	  ASSUMING COUNT(results.*, 0, 30, days) > 0
	  WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', step = '30 days', eval_anchors = 40)`,
	// two links up from the aggregated rows, and a parent's column in the filter
	`CREATE TASK circuit_points AS PREDICT SUM(results.points WHERE driverId->nationality <> 'British', 0, 730, days) FOR EACH circuits.circuitId
	  WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', step = '365 days', eval_anchors = 2)`,
	// classes: those that training saw are known only when all pieces are done
	`CREATE TASK last_team AS PREDICT LAST(results.constructorId->nationality, 0, 120, days) FOR EACH drivers.driverId
	  WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', step = '365 days', eval_anchors = 2)`,
	`CREATE TASK teams AS PREDICT LIST_DISTINCT(results.constructorId, 0, 365, days) RANK TOP 3 FOR EACH drivers.driverId
	  WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', step = '365 days', eval_anchors = 2)`,
}

func TestLabelsEqualOneMachineOnF1(t *testing.T) {
	s := relF1(t)
	for _, text := range f1Tasks {
		task := bind(t, s, text)
		t.Run(task.Name, func(t *testing.T) {
			checkLabels(t, s, task, Options{Shards: 3, Out: filepath.Join(t.TempDir(), "out"), Scratch: t.TempDir()})
		})
	}
}

func TestLabelsEqualOneMachineOnJourney(t *testing.T) {
	s := journey(t)
	for _, text := range []string{
		`CREATE TASK baskets AS PREDICT COUNT_DISTINCT(transactions.basket_id, 0, 14, days) FOR EACH households.household_id
		  WHERE COUNT(transactions.*, -30, 0, days) > 0
		  WITH (val_anchor = '2017-11-01', test_anchor = '2017-12-01', step = '14 days', eval_anchors = 2)`,
		`CREATE TASK redeem AS PREDICT COUNT(coupon_redemptions.*, 0, 30, days) > 0 FOR EACH households.household_id
		  WITH (val_anchor = '2017-10-01', test_anchor = '2017-11-01', step = '30 days', eval_anchors = 1)`,
		`CREATE TASK spend AS PREDICT SUM(transactions.sales_value, 0, 7, days) FORECAST 4 FOR EACH households.household_id
		  WITH (val_anchor = '2017-10-01', test_anchor = '2017-11-01', step = '30 days', eval_anchors = 1)`,
	} {
		task := bind(t, s, text)
		t.Run(task.Name, func(t *testing.T) {
			checkLabels(t, s, task, Options{Shards: 4, Out: filepath.Join(t.TempDir(), "out")})
		})
	}
}

func checkLabels(t *testing.T, s stored, task *tasks.Task, opt Options) {
	t.Helper()
	done, err := Labels(context.Background(), s.Snapshot, s.folder, task, opt)
	if err != nil {
		t.Fatal(err)
	}
	want := labelLines(t, s, task)
	sameLines(t, lines(t, opt.Out), want)
	if done.Rows != int64(len(want)) {
		t.Errorf("%s counts %d rows, want %d", doneFile, done.Rows, len(want))
	}
}
