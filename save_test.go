package rowlink_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/tabular/baseline"
	"github.com/rowlink/rowlink/tasks"
)

// TestSave_roundTrip fits a task of every type with an ensemble of two, stores it, and
// reads it back from a workspace opened anew: every predictor must answer with the same
// bits, score what the report says, and the report must be the same.
func TestSave_roundTrip(t *testing.T) {
	url, folder := "sqlite:"+smallShop(t), t.TempDir()
	for _, c := range []struct{ name, text string }{{"churn", shop.Churn}, {"spend", shop.Spend}, {"channel", shop.Channel}} {
		if testing.Short() && c.name != "channel" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			d := open(t, rowlink.Options{URL: url, Workspace: folder, Threads: 1})
			f, err := d.Fit(t.Context(), c.text, rowlink.FitOptions{Train: quick(), Ensemble: 2})
			if err != nil {
				t.Fatal(err)
			}
			version, err := f.Save(d.Workspace)
			if err != nil || version != 1 {
				t.Fatalf("version %d, error %v", version, err)
			}
			again := open(t, rowlink.Options{URL: url, Workspace: folder, Threads: 4})
			if !again.Reused || again.Snap.ID != d.Snap.ID {
				t.Errorf("reused %t, snapshot %s after %s", again.Reused, again.Snap.ID, d.Snap.ID)
			}
			names := append(baseline.Names(), rowlink.GNN, rowlink.Blend)
			for i, row := range f.Report.Rows {
				if row.Name != names[i] {
					t.Errorf("row %d of the report is %s, want %s", i+1, row.Name, names[i])
				}
				checkStored(t, d, again, f.Labels, c.name, row)
			}
			served, err := again.Load(t.Context(), c.name, "", "")
			if err != nil {
				t.Fatal(err)
			}
			if served.Served != f.Report.Served || f.Report.Choice.Name != f.Report.Served {
				t.Errorf("%s is served, the report says %s and chose %+v", served.Served, f.Report.Served, f.Report.Choice)
			}
			if b := best(f.Report); b != f.Report.Choice.Best && f.Report.Choice.Name != rowlink.Blend {
				t.Errorf("the best on validation is %s, the choice says %+v", b, f.Report.Choice)
			}
			if want, got := asJSON(t, f.Report), asJSON(t, served.Report); want != got {
				t.Errorf("the stored report is\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// checkStored compares a stored predictor, read twice, with its row of the report.
func checkStored(t *testing.T, d, again *rowlink.Database, labels *tasks.LabelTable, task string, row rowlink.Row) {
	t.Helper()
	var scores [2]rowlink.Scores
	var out [2][]float64
	for i, db := range []*rowlink.Database{d, again} {
		l, err := db.Load(t.Context(), task, "1", row.Name)
		if err != nil {
			t.Fatal(err)
		}
		if l.Version.Kernels != tensor.KernelName() {
			t.Errorf("the manifest of task %s names the kernels %q, it was trained with %s", task, l.Version.Kernels, tensor.KernelName())
		}
		plain, err := l.ScorerOf(t.Context(), row.Name) // what is served answers calibrated, rows are not
		if err != nil {
			t.Fatal(err)
		}
		if scores[i], err = rowlink.Evaluate(t.Context(), plain, labels, l.Scaling, tasks.Test); err != nil {
			t.Fatal(err)
		}
		o, err := rowlink.Ask(t.Context(), plain, labels, tasks.Test)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = o.Predicted
	}
	if !slices.Equal(out[0], out[1]) {
		t.Errorf("%s answers otherwise with 4 threads or from an opened snapshot", row.Name)
	}
	for name, want := range row.Test {
		if got := scores[1][name]; math.Float64bits(got) != math.Float64bits(want) && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("%s: read back it has %s %v, the report says %v", row.Name, name, got, want)
		}
	}
	if len(row.Test) == 0 || len(row.Val) != len(row.Test) {
		t.Errorf("%s has the scores %v and %v", row.Name, row.Val, row.Test)
	}
}

// best is the row with the best validation metric, the first of equals.
func best(r *rowlink.Report) string {
	lower := r.Type == tasks.Regression
	var name string
	top := math.Inf(-1)
	for _, row := range r.Rows {
		v := row.Val[r.Metric]
		if lower {
			v = -v
		}
		if v > top {
			top, name = v, row.Name
		}
	}
	return name
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Two equal runs store equal files, but for the seconds; an ensemble's first member is
// the network that a run without ensemble gives.
func TestFit_deterministic(t *testing.T) {
	url := "sqlite:" + smallShop(t)
	run := func(threads, ensemble int) *rowlink.Fitted {
		f, err := open(t, rowlink.Options{URL: url, Threads: threads}).Fit(t.Context(), shop.Churn, rowlink.FitOptions{Train: quick(), Ensemble: ensemble})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	one, two, four := run(1, 1), run(2, 1), run(4, 2)
	for i, row := range one.Report.Rows {
		if other := two.Report.Rows[i]; !reflect.DeepEqual(other.Val, row.Val) || !reflect.DeepEqual(other.Test, row.Test) || other.Setting != row.Setting {
			t.Errorf("2 threads give %+v, one gives %+v", other, row)
		}
		if other := four.Report.Rows[i]; row.Name != rowlink.GNN && row.Name != rowlink.Blend && !reflect.DeepEqual(other.Test, row.Test) { // of another ensemble
			t.Errorf("4 threads give %+v, one gives %+v", other, row)
		}
	}
	if one.Report.Weights != two.Report.Weights || one.Report.Weights != four.Report.Weights || one.Report.Weights == "" {
		t.Errorf("weights %s, %s and %s", one.Report.Weights, two.Report.Weights, four.Report.Weights)
	}
	if a, b := four.Networks[0].Model.WeightsHash(), four.Networks[1].Model.WeightsHash(); a == b || len(four.Report.Members) != 2 {
		t.Errorf("members of the ensemble have the weights %s and %s and %d rows in the report", a, b, len(four.Report.Members))
	}
	if one.Report.LabelHash != four.Report.LabelHash || one.Report.Snapshot != four.Report.Snapshot {
		t.Error("equal databases have other labels or another snapshot")
	}
}

// Each member of an ensemble has a checkpoint of its own, so that a second run resumes all.
func TestFit_ensembleCheckpoints(t *testing.T) {
	d := open(t, rowlink.Options{URL: "sqlite:" + smallShop(t)})
	opt := rowlink.FitOptions{Train: quick(), Ensemble: 2}
	opt.Train.Checkpoint, opt.Train.Resume = t.TempDir()+"/run", true
	first, err := d.Fit(t.Context(), shop.Churn, opt)
	if err != nil {
		t.Fatal(err)
	}
	opt.Train.OnStep = func(int, int, int) { t.Error("a finished run trains on") }
	second, err := d.Fit(t.Context(), shop.Churn, opt)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range first.Networks {
		if got, want := second.Networks[i].Model.WeightsHash(), n.Model.WeightsHash(); got != want {
			t.Errorf("member %d resumed has the weights %s, want %s", i+1, got, want)
		}
	}
}

func TestFit_model(t *testing.T) {
	d := open(t, rowlink.Options{URL: "sqlite:" + smallShop(t), Workspace: t.TempDir()})
	opt := rowlink.FitOptions{Train: quick(), Model: "constant"}
	f, err := d.Fit(t.Context(), shop.Churn, opt)
	if err != nil {
		t.Fatal(err)
	}
	if f.Report.Served != "constant" {
		t.Errorf("%s is served, want what was asked for", f.Report.Served)
	}
	opt.Model = "gcn"
	opt.Train.OnStep = func(int, int, int) { t.Error("trains before it looks at the name") }
	_, err = d.Fit(t.Context(), shop.Churn, opt)
	for _, want := range append(baseline.Names(), `"gcn"`, "auto", rowlink.GNN) {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %s", err, want)
		}
	}
}

func TestFit_regime(t *testing.T) {
	d := open(t, rowlink.Options{URL: "sqlite:" + smallShop(t)})
	frozen := tasks.Frozen
	f, err := d.Fit(t.Context(), shop.Churn, rowlink.FitOptions{Train: quick(), Regime: &frozen})
	if err != nil {
		t.Fatal(err)
	}
	if f.Report.Regime != "frozen" || f.Report.ValRegime != "frozen" {
		t.Errorf("regimes %s and %s, want frozen", f.Report.Regime, f.Report.ValRegime)
	}
	for i, s := range f.Labels.Split {
		cut, anchor := f.Labels.Cut(i), f.Labels.Anchor[i]
		if want := map[tasks.Split]int64{tasks.Train: anchor, tasks.Val: shop.ValAnchor.UnixMicro(), tasks.Test: shop.TestAnchor.UnixMicro()}[s]; cut != want {
			t.Fatalf("a row of split %s and anchor %d is read at %d, want %d", s, anchor, cut, want)
		}
	}
}

func TestLoad_errors(t *testing.T) {
	url, folder := "sqlite:"+smallShop(t), t.TempDir()
	d := open(t, rowlink.Options{URL: url, Workspace: folder})
	f, err := d.Fit(t.Context(), shop.Churn, rowlink.FitOptions{Train: quick()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Save(d.Workspace); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ task, ref, name, want string }{
		{"churn", "", "linaer", `unknown predictor "linaer"`}, {"churn", "", "linaer", "linear on as-of features"},
		{"churn", "7", "", "7"}, {"churm", "", "", "churm"}, {"churn", "staging", "", "staging"},
	} {
		if _, err := d.Load(t.Context(), c.task, c.ref, c.name); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("load %s %q %q: error %v, want one with %q", c.task, c.ref, c.name, err, c.want)
		}
	}
	if _, err := open(t, rowlink.Options{URL: url}).Load(t.Context(), "churn", "", ""); err == nil || !strings.Contains(err.Error(), "without a workspace") {
		t.Errorf("error %v, want that there is no workspace", err)
	}
	l, err := d.Load(t.Context(), "churn", "", "")
	if err != nil {
		t.Fatal(err)
	}
	file := l.Version.Path("model.safetensors")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Load(t.Context(), "churn", "", rowlink.GNN); err == nil || !strings.Contains(err.Error(), "churn") {
		t.Errorf("a model file cut in half: error %v, want one that names the task", err)
	}
}

func TestReport_text(t *testing.T) {
	d := open(t, rowlink.Options{URL: "sqlite:" + smallShop(t)})
	f, err := d.Fit(t.Context(), shop.Churn, rowlink.FitOptions{Train: quick(), Ensemble: 2})
	if err != nil {
		t.Fatal(err)
	}
	f.Report.Rows[0].Test["roc_auc"] = math.NaN()
	var out bytes.Buffer
	if err := f.Report.Text(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range append(baseline.Names(), "task churn", "regime rolling", "roc_auc", "NaN", "mean of 2 networks", "<- served", "seed 3", "s/epoch", f.Report.Model) {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
	var back rowlink.Report
	if err := json.Unmarshal([]byte(asJSON(t, f.Report)), &back); err != nil || !math.IsNaN(back.Rows[0].Test["roc_auc"]) {
		t.Errorf("an undefined metric is %v after a round trip, error %v", back.Rows[0].Test["roc_auc"], err)
	}
}
