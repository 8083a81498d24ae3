package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/bench"
)

// figures makes a part in which each figure was said once per given value.
func figures(who, variant, name string, threads int, values ...float64) []said {
	var out []said
	for i, v := range values {
		out = append(out, said{Round: i, Who: who, Variant: variant, Case: name, Threads: threads, Median: v})
	}
	return out
}

func stored(t *testing.T, parts map[string][]said) *store {
	t.Helper()
	s, err := openStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range parts {
		if err := s.put(name, &partResult{Rounds: 3, Figures: f, Machine: &bench.Machine{Features: []string{"avx2"}}}); err != nil {
			t.Fatal(err)
		}
	}
	again, err := openStore(s.dir) // what was put is what a later run reads
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func rowOf(t *testing.T, rows []row, name, words string) row {
	t.Helper()
	for _, r := range rows {
		if r.name == name && strings.Contains(r.what, words) {
			return r
		}
	}
	t.Fatalf("no row %q with %q", name, words)
	return row{}
}

func TestGoalRows(t *testing.T) {
	layers := figures(peer, "", "layer/sage", 2, 100, 120, 140)
	for _, l := range layerNames {
		layers = append(layers, figures(ours, "", "layer/"+l, 2, 40, 50, 41, 39)...)
		layers = append(layers, figures(peer, tuned, "layer/"+l, 2, 60)...)
	}
	s := stored(t, map[string][]said{
		"kernels": append(figures(ours, "", "gemm/NN/20000x128x128", 2, 90, 100, 95), figures(peer, "", "gemm/NN/20000x128x128", 2, 100, 101, 99)...),
		"layers":  layers,
		"epoch": append(append(figures(ours, "", epochName, 2, 2), figures(ours, "", epochName, 1, 3.2)...),
			append(figures(peer, "", epochName, 2, 50), append(figures(ours, "", memoryName, 2, 1000), figures(peer, "", memoryName, 2, 5000)...)...)...),
		"score": figures(ours, "", "score/rel-f1/width=32/float32", 2, 59_999),
	})
	rows := s.goalRows()
	for _, tt := range []struct{ name, words, ratio, state string }{
		{"gemm/NN/20000x128x128", "2 threads", "0.95x", "met"}, // 0.9 is enough without AVX-512
		{"gemm/NN/20000x128x128", "1 thread", "-", notMeasured},
		{"layer/sage", "against PyG, ", "2.96x", "met"},
		{"layer/gcn", "against PyG, ", "-", notMeasured},
		{"layer/gcn", "tuned", "1.48x", "**not met**"},
		{"layer/mean", "tuned", "1.48x", "**not met**"},
		{"layer/mean", "against PyG, ", "-", notMeasured}, // four of five are missing
		{epochName, "", "25.00x", "met"},
		{memoryName, "", "20 %", "met"},
		{"score/rel-f1/width=32/float32", "", "", "**not met**"},
		{"score/scan", "", "", notMeasured},
		{"scaling", "", "1.60x", "**not met**"},
		{"curve", "", "", notMeasured},
	} {
		if r := rowOf(t, rows, tt.name, tt.words); r.ratio != tt.ratio || r.state != tt.state {
			t.Errorf("%s %s: ratio %q, %q; want %q, %q", tt.name, tt.words, r.ratio, r.state, tt.ratio, tt.state)
		}
	}
}

func TestCurves(t *testing.T) {
	detail := func(losses ...[]float64) json.RawMessage {
		data, err := json.Marshal(lossDetail{Losses: losses, Vals: [][]float64{losses[0][:1]}})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	f := []said{{Who: ours, Case: epochName, Threads: 2, Detail: detail([]float64{9, 4.6, 4}, []float64{9, 4.2, 4})}, {Who: peer, Case: epochName, Threads: 2, Detail: detail([]float64{5, 4, 4, 4})}}
	s := stored(t, map[string][]said{"curve": f})
	r := s.curves().row()
	// The gap is (10 % + 0 %) / 2; the seeds differ by 0.2 sqrt(2) / 4 = 7.1 % in one of two epochs.
	if r.ratio != "5 %" || r.state != "met" || !strings.Contains(r.target, "10 %") {
		t.Errorf("ratio %q, target %q, state %q", r.ratio, r.target, r.state)
	}
	page := filepath.Join(t.TempDir(), "docs", "page.md")
	if err := writePage(options{page: page, scripts: "."}, s); err != nil {
		t.Fatal(err)
	}
	picture, err := os.ReadFile(strings.TrimSuffix(page, ".md") + "-loss.svg")
	if err != nil || !strings.Contains(string(picture), "<svg") {
		t.Errorf("no picture: %v", err)
	}
	text, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(text), "| 4 | - | 4.000 (0.000) | - | - |") {
		t.Errorf("no row of the fourth epoch (%v) in\n%s", err, text)
	}
}

func TestReasons(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reasons.md")
	if err := os.WriteFile(path, []byte("# text\ngemm/*: slow\ngemm/NN/a: slower\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	reasons, err := readReasons(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"gemm/NN/a": "slower", "gemm/NT/a": "slow", "layer/a": ""} {
		if got := reason(reasons, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	w := &strings.Builder{}
	writeReasons(w, []row{{name: "gemm/NT/a", state: "**not met**"}, {name: "layer/a", state: "met"}, {name: "x", state: notMeasured}}, reasons)
	if text := w.String(); !strings.Contains(text, "gemm/NT/a: slow\n") || strings.Contains(text, "layer/a") || !strings.Contains(text, "x: not measured") {
		t.Errorf("reasons:\n%s", text)
	}
}

// A part takes turns: a script that stands for the peer and one that stands for ours.
func TestPartMeasure(t *testing.T) {
	dir := t.TempDir()
	script := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	theirs := script("peer", `while [ "$1" != --out ]; do shift; done; echo noise; echo '{"versions": {"torch": "1"}, "figures": [{"case": "a", "threads": 2, "median": 3}]}' >"$2"`)
	own := script("ours", `echo '{"machine": {"cpu": "x"}, "figures": [{"case": "a", "threads": 2, "median": 6}]}'`)
	p := part{name: "p", steps: func(options) []step {
		return []step{{who: peer, args: []string{theirs, "-x"}}, {who: ours, args: []string{own}}}
	}}
	r, err := p.measure(t.Context(), options{rounds: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Figures) != 4 || r.Figures[0].Who != peer || r.Figures[1].Who != ours || r.Figures[3].Round != 1 || r.Peers["torch"] != "1" || r.Machine.CPU != "x" {
		t.Errorf("%+v", r)
	}
	p.steps = func(options) []step { return []step{{who: ours, args: []string{script("broken", "exit 3")}}} }
	if _, err := p.measure(t.Context(), options{rounds: 1}); err == nil {
		t.Error("a process that failed counts as measured")
	}
}

// Boosted trees: the ratio of times, and by how many percent the score is worse, with errors
// the smaller the better and AUROC the larger.
func TestGbdtRows(t *testing.T) {
	say := func(who, name string, seconds, quality float64, metric string) said {
		detail, err := json.Marshal(map[string]any{"quality": quality, "metric": metric})
		if err != nil {
			t.Fatal(err)
		}
		return said{Who: who, Case: name, Threads: 1, Median: seconds, Detail: detail}
	}
	s := stored(t, map[string][]said{"gbdt": {
		say(ours, "gbdt/regression", 3, 1.03, "rmse"), say(peer, "gbdt/regression", 2, 1, "rmse"),
		say(ours, "gbdt/binary", 4, 0.89, "roc_auc"), say(peer, "gbdt/binary", 2, 0.9, "roc_auc"),
	}})
	rows := s.gbdtRows()
	for _, c := range []struct{ name, words, ratio, state string }{
		{"gbdt/regression", "1 thread", "0.67x", "met"},
		{"gbdt/regression", "2 threads", "", notMeasured},
		{"gbdt/regression/quality", "rmse", "+3.0 %", "**not met**"},
		{"gbdt/binary", "1 thread", "0.50x", "**not met**"},
		{"gbdt/binary/quality", "roc_auc", "+1.1 %", "met"},
		{"gbdt/driver-position/quality", "", "", notMeasured},
	} {
		if r := rowOf(t, rows, c.name, c.words); r.state != c.state || c.ratio != "" && r.ratio != c.ratio {
			t.Errorf("%s, %s: %q, %q, want %q, %q", c.name, c.words, r.ratio, r.state, c.ratio, c.state)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "-", 0.1234: "0.123", 1.239: "1.24", 45.67: "45.7", 999.4: "999", 1234.5: "1,235", 1234567: "1,234,567"} {
		if got := number(v); got != want {
			t.Errorf("%g prints %q, want %q", v, got, want)
		}
	}
}
