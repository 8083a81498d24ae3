package quality

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/tasks/tql"
)

// Every case has a text that is a task of its name, with words above it, and every text
// belongs to a case.
func TestCases(t *testing.T) {
	used := map[string]bool{}
	for _, c := range Cases() {
		used[c.Task+".sql"] = true
		if c.What() == "" {
			t.Errorf("%s: no comment says what is predicted", c.Name())
		}
		if !strings.Contains(c.Text(), "CREATE TASK "+c.Task+" AS") {
			t.Errorf("%s: the text creates another task", c.Name())
		}
		if _, err := tql.Parse(c.Text()); err != nil {
			t.Errorf("%s: %v", c.Name(), err)
		}
	}
	files, err := texts.ReadDir("tasks")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !used[f.Name()] {
			t.Errorf("no case uses tasks/%s", f.Name())
		}
	}
}

// result is what a store would hold of case i.
func result(i int, served string, rows ...rowlink.Row) *Result {
	r := &rowlink.Report{Type: "regression", Metric: "mae", Served: served, Rows: rows}
	for m := range 3 {
		r.Members = append(r.Members, rowlink.Row{Name: fmt.Sprintf("gnn, seed %d", m), Test: rowlink.Scores{"mae": float64(m)}})
	}
	return &Result{Case: Cases()[i].Name(), Report: r}
}

func row(name string, test, err float64) rowlink.Row {
	return rowlink.Row{Name: name, Test: rowlink.Scores{"mae": test}, Errors: rowlink.Scores{"test": err}}
}

func TestPage(t *testing.T) {
	results := make([]*Result, len(Cases()))
	results[0] = result(0, "gnn", row("constant", 4.5, 0.1), row("new one", 2.3, math.NaN()), row("gnn", 2.5, 0.1), row("blend", 2.2, 0.1))
	again := row("gnn", 2.39, 0.1)
	results[0].Report.Refit = &again
	store := t.TempDir()
	if err := os.WriteFile(filepath.Join(store, peersFile), []byte(`{"file": "driver_position-rolling.parquet", "metric": "mae", "val": 2.6, "test": 2.8}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	results[0].Report.Rows = append(results[0].Report.Rows, row("boosted trees on as-of features", 2.7, 0.1))
	var b bytes.Buffer
	found, err := peers(store)
	if err != nil {
		t.Fatal(err)
	}
	if err := Page(&b, &Measured{results, found}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| task, regime | metric | constant | boosted trees on as-of features | gnn | blend | new one | networks | served | served, refit | s |",
		"| driver_position/rolling | mae | 4.500 ± 0.100 | 2.700 ± 0.100 | **2.500 ± 0.100** | 2.200 ± 0.100 | 2.300 | 1.000 (1.000), 3 | gnn | 2.390 ± 0.100 | 0 |",
		"| driver_position/rolling | 2.500 ± 0.100 | 2.390 ± 0.100 | 2.520 | 2.400 | 2.417 | met | met |",
		"| driver_position/rolling | gnn | 2.500 | new one | 2.300 | 2.0 |",
		"| driver_dnf/rolling | not measured |",
		"| driver_position/rolling | 2.600 | 2.800 | 2.700 | 2.500 ± 0.100 | +3.0 | 2.390 ± 0.100 |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, b.String())
		}
	}
}

// What was saved is read again, a damaged file is named, and a database that is not there
// is noted once.
func TestStore(t *testing.T) {
	dir := t.TempDir()
	if err := result(1, "gnn", row("gnn", 1, math.NaN())).save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Load(dir, "")
	if err != nil || got.Results[0] != nil || got.Results[1] == nil || got.Results[1].Report.Rows[0].Test["mae"] != 1 {
		t.Errorf("read %v and %v, want the second case alone", got, err)
	}
	beside := filepath.Join(t.TempDir(), "page.json")
	if err := (&Measured{Results: []*Result{result(0, "gnn", row("gnn", 7, 0.5)), result(1, "gnn", row("gnn", 8, 0.5))}}).Keep(beside); err != nil {
		t.Fatal(err)
	}
	got, err = Load(dir, beside)
	if err != nil || got.Results[0] == nil || got.Results[0].Report.Rows[0].Test["mae"] != 7 || got.Results[1].Report.Rows[0].Test["mae"] != 1 {
		t.Errorf("read %v and %v, want the first case of the page and the second of the store", got, err)
	}
	if err := os.WriteFile(fileOf(dir, Cases()[0].Name()), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir, ""); err == nil || !strings.Contains(err.Error(), "driver_position-rolling.json (delete it to measure anew)") {
		t.Errorf("a damaged file gives %v", err)
	}
	var notes []string
	n, err := Run(t.Context(), Options{Data: dir, Store: dir, OnNote: func(f string, a ...any) { notes = append(notes, fmt.Sprintf(f, a...)) }})
	if n != 0 || err != nil || len(notes) != 5 {
		t.Errorf("without data %d cases ran, error %v, notes %q, want one for each of five databases", n, err, notes)
	}
}
