package beam

import (
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/scan"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/testdata"
	"github.com/rowlink/rowlink/tasks"
)

// Networks of the layer scan answer in passes over pieces what they answer on one machine.
func TestScanScoresEqualOneMachineOnF1(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	for layers := 1; layers <= 2; layers++ {
		t.Run(fmt.Sprintf("layers=%d", layers), func(t *testing.T) {
			d := trainedAs(t, model.Config{Layer: model.Scan, Width: 6, Layers: layers})
			checkScores(t, d, rowlink.GNN, Options{Shards: 3})
			if layers == 1 {
				checkStates(t, d, rowlink.GNN)
			}
		})
	}
}

// checkStates compares the states of pieces with those of a network over the whole database.
func checkStates(t *testing.T, d *rowlink.Database, name string) {
	t.Helper()
	at, _ := ingest.ParseInstant("2010-06-01")
	l, err := d.Load(t.Context(), "driver_position", "1", name)
	if err != nil {
		t.Fatal(err)
	}
	needs, err := l.Needs()
	if err != nil {
		t.Fatal(err)
	}
	s := &Scan{Folder: filepath.Dir(l.Version.Path(needs.Scans[0])), Files: needs.Scans}
	j := &job{Spec: &Spec{Scan: s}}
	if err := j.loadNetworks(); err != nil {
		t.Fatal(err)
	}
	links, err := graph.Build(d.Snap)
	if err != nil {
		t.Fatal(err)
	}
	g, err := model.GraphOver(t.Context(), links, l.Task, true)
	if err != nil {
		t.Fatal(err)
	}
	b, err := j.networks[0].BindPart(g, l.Task.Options.Rule, &scan.Given{}, tensor.NewPool(2))
	if err != nil {
		t.Fatal(err)
	}
	want, tops := map[int64][]tensor.Real{}, []int32{}
	entity := d.Snap.Tables[l.Task.Entity]
	for row := range entity.Rows {
		tops = append(tops, int32(row))
	}
	b.At(l.Task.Entity, tops, at, func(top int32, _ string, values []tensor.Real) {
		k := entity.Key(top)[0].(int64)
		want[k] = append(want[k], values...)
	})
	out := filepath.Join(t.TempDir(), "out")
	if _, err := States(t.Context(), d, folderOf(t, d), "driver_position", "", Asked{Version: "1", Model: name, Anchor: at}, Options{Shards: 3, Out: out}); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, part := range tables(t, out) {
		key := part.Def.Column("driverId")
		for row := range part.Rows {
			k := part.Columns[key].Ints[row]
			rows++
			for i, w := range want[k] {
				v, _ := part.Columns[len(part.Columns)-len(want[k])+i].Number(row)
				if math.Abs(v-float64(w)) > 1e-5*math.Max(1, math.Abs(float64(w))) {
					t.Fatalf("driver %d: %s is %v, want %v", k, part.Def.Columns[len(part.Columns)-len(want[k])+i].Name, v, w)
				}
			}
		}
	}
	if rows != len(want) || rows == 0 {
		t.Errorf("states of %d drivers, want %d", rows, len(want))
	}
}

func TestScanScoresEqualOneMachineOnJourney(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	d, err := rowlink.Open(t.Context(), rowlink.Options{URL: "csv:" + testdata.Path(t, "data", "completejourney"), Workspace: filepath.Join(t.TempDir(), "workspace")})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	f, err := d.Fit(t.Context(), `CREATE TASK redeem AS PREDICT COUNT(coupon_redemptions.*, 0, 30, days) > 0 FOR EACH households.household_id
	  WITH (val_anchor = '2017-10-01', test_anchor = '2017-11-01', step = '30 days', eval_anchors = 1, train_anchors = 1)`,
		rowlink.FitOptions{ValBlocks: 1, Train: train.Options{Model: model.Config{Layer: model.Scan, Width: 4, Layers: 2, Hops: 1}, Epochs: 1, Steps: 2, Seed: 3}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Save(d.Workspace); err != nil {
		t.Fatal(err)
	}
	at, _ := ingest.ParseInstant("2017-11-15")
	checkAnswers(t, d, "redeem", "household_id", rowlink.GNN, at, 1e-5, Options{Shards: 3})
}

// A parent with a million rows needs their features and the order of their times in memory,
// not a state per row.
func TestHotKeyNeedsNoStatePerRow(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a million rows")
	}
	const orders = 1_000_000
	s := shopOf(t, orders, 1)
	task := bind(t, s, spend)
	if err := tasks.Resolve(task, s.Snapshot); err != nil {
		t.Fatal(err)
	}
	links, err := graph.Build(s.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := model.Encoders(links, task, 2)
	if err != nil {
		t.Fatal(err)
	}
	m, err := scan.New((model.Config{Layer: model.Scan, Width: 16, Layers: 2, Outputs: 1}).Complete(30), links, task.Entity, enc, task.Options.Rule, task.Options.ValAnchor, 1)
	if err != nil {
		t.Fatal(err)
	}
	var before, peak runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b, err := m.BindPart(links, task.Options.Rule, &scan.Given{Reads: func(int, int, int32, string, string, []tensor.Real) bool { return false }}, tensor.NewPool(1))
	if err != nil {
		t.Fatal(err)
	}
	told, most := 0, uint64(0)
	watch := func() {
		if told++; told%50_000 == 1 {
			runtime.ReadMemStats(&peak)
			most = max(most, peak.HeapInuse-min(peak.HeapInuse, before.HeapInuse))
		}
	}
	b.Before(1, []int32{0}, task.Entity, func(int, int32, string, string, []tensor.Real) { watch() })
	if told != orders {
		t.Errorf("%d rows read of the user, want %d", told, orders)
	}
	told = 0
	b.At(task.Entity, []int32{0}, task.Options.ValAnchor, func(int32, string, []tensor.Real) { watch() })
	const perRow = 400 // bytes; a state after every row has some 1,500
	t.Logf("%d MB, %d bytes a row", most>>20, most/orders)
	if most > perRow*orders {
		t.Errorf("a million rows of one user took %d MB, want at most %d", most>>20, perRow*orders>>20)
	}
}
