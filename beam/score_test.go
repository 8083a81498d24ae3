package beam

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/bench/relf1"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/testdata"
)

// trained is a workspace with a small network on rel-f1.
func trained(t *testing.T) *rowlink.Database {
	return trainedAs(t, model.Config{Width: 8, FanOut: []int{6, 4}})
}

func trainedAs(t *testing.T, config model.Config) *rowlink.Database {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f1.db")
	if err := relf1.Write(t.Context(), testdata.Path(t, "data", "f1"), path); err != nil {
		t.Fatal(err)
	}
	d, err := rowlink.Open(t.Context(), rowlink.Options{URL: "sqlite:" + path, Workspace: filepath.Join(t.TempDir(), "workspace")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	f, err := d.Fit(t.Context(), relf1.Position, rowlink.FitOptions{ValBlocks: 1,
		Train: train.Options{Model: config, Epochs: 1, Steps: 10, Seed: 3}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Save(d.Workspace); err != nil {
		t.Fatal(err)
	}
	return d
}

// Scores of pieces are those of one machine to 1e-5, and means of past labels too.
func TestScoresEqualOneMachine(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a network")
	}
	d := trained(t)
	l, err := d.Load(t.Context(), "driver_position", "1", "")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{rowlink.GNN, "decayed entity mean", "linear on as-of features", trees}
	if l.Report.Blend != nil {
		names = append(names, rowlink.Blend)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) { checkScores(t, d, name, Options{Shards: 3}) })
	}
}

// trees compare an entity's rows with all rows of their times: they answer the same to the
// last bit.
const trees = "boosted trees on as-of features"

func folderOf(t *testing.T, d *rowlink.Database) string {
	t.Helper()
	folder, err := d.Workspace.Snapshot(d.Snap.ID)
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func checkScores(t *testing.T, d *rowlink.Database, name string, opt Options) {
	t.Helper()
	at, _ := ingest.ParseInstant("2010-06-01")
	near := 1e-5
	if name == trees {
		near = 0
	}
	checkAnswers(t, d, "driver_position", "driverId", name, at, near, opt)
}

// checkAnswers compares the answers of pieces with those of one machine; near is how far they
// may be apart.
func checkAnswers(t *testing.T, d *rowlink.Database, task, key, name string, at int64, near float64, opt Options) {
	t.Helper()
	l, err := d.Load(t.Context(), task, "1", name)
	if err != nil {
		t.Fatal(err)
	}
	want := map[int64]float64{}
	all, err := l.All(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	answers, err := l.Predict(t.Context(), all, at, 0)
	if err != nil {
		t.Fatal(err)
	}
	entity, column := d.Snap.Tables[l.Task.Entity], "prediction"
	for _, a := range answers {
		if a.Probability != nil {
			column = "probability"
			want[entity.Key(a.Row)[0].(int64)] = *a.Probability
			continue
		}
		want[entity.Key(a.Row)[0].(int64)] = a.Value.(float64)
	}
	opt.Out = filepath.Join(t.TempDir(), "out")
	if _, err := Score(t.Context(), d, folderOf(t, d), task, Asked{Version: "1", Model: name, Anchor: at}, opt); err != nil {
		t.Fatal(err)
	}
	got := 0
	for _, part := range tables(t, opt.Out) {
		key, value := part.Def.Column(key), part.Def.Column(column)
		for row := range part.Rows {
			v, _ := part.Columns[value].Number(row)
			k := part.Columns[key].Ints[row]
			if w, ok := want[k]; !ok || math.Abs(v-w) > near*math.Max(1, math.Abs(w)) {
				t.Fatalf("%s %d: %v, want %v (asked about: %t)", part.Def.Columns[key].Name, k, v, w, ok)
			}
			got++
		}
	}
	if got != len(want) || got == 0 {
		t.Errorf("%d answers, want %d", got, len(want))
	}
}

// tables reads the files of a result.
func tables(t testing.TB, folder string) []*ingest.Table {
	t.Helper()
	var out []*ingest.Table
	found, _ := filepath.Glob(filepath.Join(folder, "part-*.parquet"))
	for _, path := range found {
		dir := t.TempDir() // a source of Parquet is a folder with one file per table
		data, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "part.parquet"), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		src, err := ingest.Open(t.Context(), "parquet:"+dir, ingest.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		part, err := ingest.Take(t.Context(), src, ingest.TakeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, part.Tables[0])
		src.Close()
	}
	return out
}
