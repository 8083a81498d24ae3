package relf1

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/rowlink/rowlink/internal/testdata"
	"github.com/rowlink/rowlink/tasks"
)

// Rows per table of the published rel-f1: 97,606 in all.
var rows = map[string]int{"circuits": 77, "constructors": 211, "drivers": 857, "races": 1101, "results": 26080, "standings": 34124,
	"constructor_results": 12290, "constructor_standings": 13051, "qualifying": 9815}

// TestLabels compares tables and label tables with RelBench's.
func TestLabels(t *testing.T) {
	snap, err := Snapshot(t.Context(), testdata.Path(t, "data", "f1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tb := range snap.Tables {
		if tb.Rows != rows[tb.Def.Name] {
			t.Errorf("table %s has %d rows, want %d", tb.Def.Name, tb.Rows, rows[tb.Def.Name])
		}
		dated := tb.Def.Columns[len(tb.Def.Columns)-1].Name == "date" || tb.Def.Name == "races"
		if (tb.Def.Time != nil) != dated {
			t.Errorf("table %s: row times %v, want %t", tb.Def.Name, tb.Def.Time, dated)
		}
	}
	l, err := Labels(t.Context(), snap, 2)
	if err != nil {
		t.Fatal(err)
	}
	for split, name := range map[tasks.Split]string{tasks.Train: "train", tasks.Val: "val", tasks.Test: "test"} {
		want := golden(t, testdata.Path(t, "golden", "labels", "rel-f1", "driver-position."+name+".csv"))
		got := l.Rows(split)
		if len(got) != len(want) {
			t.Errorf("%s: %d labels, want %d", name, len(got), len(want))
		}
		entity := snap.Tables[l.Task.Entity]
		for _, i := range got {
			key := time.UnixMicro(l.Anchor[i]).UTC().Format(time.DateTime) + " " + entity.KeyText(l.Entity[i])
			if y, ok := want[key]; !ok || math.Abs(y-l.Label[i]) > 1e-9 {
				t.Fatalf("%s: label of %s is %g, want %g (%t)", name, key, l.Label[i], y, ok)
			}
		}
	}
}

func golden(t *testing.T, path string) map[string]float64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, r := range all[1:] {
		y, err := strconv.ParseFloat(r[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		out[r[0]+" "+r[1]] = y
	}
	return out
}

func TestWrite_noData(t *testing.T) {
	t.Setenv(Env, t.TempDir())
	if _, err := Folder(); err == nil {
		t.Error("an empty folder passes for rel-f1")
	}
}
