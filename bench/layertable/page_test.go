package layertable

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/model"
)

func result(task, layer string, val float64) *Result {
	return &Result{Task: task, Layer: layer, Metric: "mae", Val: val, Test: val + 0.5, Parameters: 7, Best: 2, Epochs: 3, Stopped: layer == "gin"}
}

// What is saved is read again and stands in the table, the best on validation in bold,
// and the rest of the page stays.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	for _, r := range []*Result{result("driver_position", "gin", 3), result("driver_position", "sage", 2), result("lahman_hr", "sage", 4)} {
		if err := r.save(dir); err != nil {
			t.Fatal(err)
		}
	}
	results, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(dir, "layers.md")
	if err := os.WriteFile(page, []byte("# Layers\n\n"+begin+"old\n"+end+"after\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(page, results); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# Layers\n\n" + begin + "## All", "| gin | 3.0000 | 3.5000 | 7 | 0.0 | 0.0 | 2 of 3, out of time |", "| sage | **2.0000** | **2.5000** |",
		"### stats_badge\n\nNot measured.\n", "Not measured: gat, ", end + "after\n"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("the page lacks %q:\n%s", want, data)
		}
	}
	if strings.Contains(string(data), "old\n") {
		t.Error("the page keeps its old section")
	}
	if err := os.WriteFile(page, []byte(end), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(page, results); err == nil || !strings.Contains(err.Error(), "mend it by hand") {
		t.Errorf("a page with half a section gives %v", err)
	}
}

// Every task of the table is a case, and what the store has is measured again only when
// that is asked for.
func TestOptions_missing(t *testing.T) {
	if len(Cases()) != len(tasksOfTable) {
		t.Errorf("%d cases for the tasks %q", len(Cases()), tasksOfTable)
	}
	c := Cases()[0]
	o := Options{Store: t.TempDir()}
	all := len(o.missing(c))
	if all != len(model.Layers()) {
		t.Errorf("%d layers are missing in an empty store, want all %d", all, len(model.Layers()))
	}
	if err := result(c.Task, "gin", 3).save(o.Store); err != nil {
		t.Fatal(err)
	}
	if n := len(o.missing(c)); n != all-1 {
		t.Errorf("%d layers are missing after one was measured, want %d", n, all-1)
	}
	o.Again, o.Match = true, regexp.MustCompile("/g(in|cn)$")
	if got := o.missing(c); len(got) != 2 {
		t.Errorf("gcn and gin match, got %q", got)
	}
	var notes int
	o.Data, o.OnNote = t.TempDir(), func(string, ...any) { notes++ }
	if n, err := Run(t.Context(), o); n != 0 || err != nil || notes != len(Cases()) {
		t.Errorf("without data %d trainings, error %v, %d notes, want one for each task", n, err, notes)
	}
}
