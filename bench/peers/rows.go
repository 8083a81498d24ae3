package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/bench"
)

// row is one line of the table of goals.
type row struct {
	name   string // what reasons.md calls it
	what   string
	ours   string
	peer   string
	ratio  string
	target string
	state  string // met, NOT met, or not measured
}

const notMeasured = "not measured"

// verdict is a comparison with a goal.
func verdict(have, want float64, higher bool) string {
	switch {
	case have == 0 || math.IsNaN(have) || math.IsInf(have, 0):
		return notMeasured
	case have >= want == higher || have == want:
		return "met"
	}
	return "**not met**"
}

// goalRows are the rows of the table, in its order.
func (s *store) goalRows() []row {
	return slices.Concat(s.gemmRows(), s.layerRows(), s.epochRows(), s.samplerRows(), s.scoreRows(), s.scalingRows(), s.gorgoniaRows(), s.gbdtRows())
}

// against is a row that sets ours against the peer's figure of the same name. The ratio
// says how many times faster ours is.
func (s *store) against(part, name string, threads int, variant, what string, unit bench.Unit, want float64) row {
	a, b := s.median(part, key{ours, "", name, threads}), s.median(part, key{peer, variant, name, threads})
	ratio := faster(a, b, unit)
	r := row{name: name, what: fmt.Sprintf("%s, %s", what, threadsOf(threads)), ours: amount(a, unit), peer: amount(b, unit),
		ratio: times(ratio), target: fmt.Sprintf("%gx", want), state: verdict(ratio, want, true)}
	return r
}

// faster is how many times faster ours is; 0 where either side is missing.
func faster(ours, peer float64, unit bench.Unit) float64 {
	if ours == 0 || peer == 0 {
		return 0
	}
	if unit.Higher {
		return ours / peer
	}
	return peer / ours
}

func (s *store) gemmRows() []row {
	want := 0.9
	if r := s.parts["kernels"]; r != nil && r.Machine != nil && slices.Contains(r.Machine.Features, "avx512f") {
		want = 1
	}
	var rows []row
	for _, shape := range []string{"20000x128x128", "2000x512x128"} {
		for _, form := range []string{"NN", "NT", "TN"} {
			for t := 1; t <= 2; t++ {
				rows = append(rows, s.against("kernels", "gemm/"+form+"/"+shape, t, "", "GEMM "+form+" "+shape+" against torch", bench.Flops, want))
			}
		}
	}
	return rows
}

var layerNames = []string{"sage", "gcn", "gatv2", "rgcn", "hgt"}

func (s *store) layerRows() []row {
	names := map[string]string{"sage": "SAGE, mean", "gcn": "GCN", "gatv2": "GATv2, 4 heads", "rgcn": "R-GCN, 8 relations", "hgt": "HGT, 2 node types, 4 edge types, 4 heads"}
	var rows []row
	for _, v := range []struct {
		variant, words string
		each, all      float64
	}{{"", "PyG", 2, 3}, {tuned, "PyG with tuned malloc", 1.5, 2}} {
		product, n := 1.0, 0
		for _, l := range layerNames {
			name := "layer/" + l
			rows = append(rows, s.against("layers", name, 2, v.variant, names[l]+", forward and backward, against "+v.words, bench.Millis, v.each))
			if f := faster(s.median("layers", key{ours, "", name, 2}), s.median("layers", key{peer, v.variant, name, 2}), bench.Millis); f > 0 {
				product *= f
				n++
			}
		}
		mean := 0.0
		if n == len(layerNames) {
			mean = math.Pow(product, 1/float64(n))
		}
		rows = append(rows, row{name: "layer/mean", what: "geometric mean of the five layers against " + v.words + ", 2 threads", ours: "", peer: "",
			ratio: times(mean), target: fmt.Sprintf("%gx", v.all), state: verdict(mean, v.all, true)})
	}
	return rows
}

const epochName, memoryName = "epoch/driver-position", "memory/driver-position"

func (s *store) epochRows() []row {
	rows := []row{s.against("epoch", epochName, 2, "", "rel-f1 driver-position, one training epoch, against the reference pipeline", bench.Seconds, 20)}
	c := s.curves()
	rows = append(rows, c.row())
	a, b := s.median("epoch", key{ours, "", memoryName, 2}), s.median("epoch", key{peer, "", memoryName, 2})
	share := 0.0
	if b > 0 {
		share = a / b
	}
	r := row{name: memoryName, what: "peak memory of the whole process that trains it", ours: amount(a, bench.Memory), peer: amount(b, bench.Memory),
		ratio: percent(share), target: "25 % at most", state: verdict(share, 0.25, false)}
	return append(rows, r)
}

// samplerRows hold the rate per core and what the second thread brings.
func (s *store) samplerRows() []row {
	var rows []row
	for _, l := range []struct{ part, name, what string }{
		{"sampler", "sampler/f1", "temporal sampling, rel-f1, 128 then 64 neighbours"},
		{"synth", "sampler/synth", "temporal sampling, 1 M x 20 M graph, 128 neighbours"},
	} {
		one := s.median(l.part, key{ours, "", l.name, 1})
		two := s.median(l.part, key{ours, "", l.name, 2})
		theirs := s.median(l.part, key{peer, "", l.name, 1})
		rows = append(rows, row{name: l.name, what: l.what + ", 1 thread, against pyg-lib", ours: amount(one, bench.Edges), peer: amount(theirs, bench.Edges),
			ratio: times(faster(one, theirs, bench.Edges)), target: "40 M edges/s", state: verdict(one, 40, true)})
		theirs = s.median(l.part, key{peer, "", l.name, 2})
		gain := 0.0
		if one > 0 {
			gain = two / one
		}
		rows = append(rows, row{name: l.name + "/scaling", what: fmt.Sprintf("%s, 2 threads: %s of one thread", l.what, times(gain)), ours: amount(two, bench.Edges),
			peer: amount(theirs, bench.Edges), ratio: times(faster(two, theirs, bench.Edges)), target: "near-linear: 1.8x of one thread", state: verdict(gain, 1.8, true)})
	}
	return rows
}

// scoreRows are the cases of batch scoring. The goals are those of scoring from row
// tables, and from scan states where a case has them.
func (s *store) scoreRows() []row {
	theirs := s.median("epoch", key{peer, "", "score/rel-f1", 2})
	var rows []row
	scan := row{name: "score/scan", what: "batch scoring with scan states", target: "100,000 seeds/s", state: notMeasured}
	for _, name := range s.cases("score", "score/") {
		a := s.median("score", key{ours, "", name, 2})
		r := row{name: name, what: "batch scoring, " + strings.TrimPrefix(name, "score/") + ", 2 threads", ours: amount(a, bench.Seeds)}
		switch {
		case strings.Contains(name, "scan"):
			r.target, r.state = scan.target, verdict(a, 100_000, true)
			scan.what = ""
		case strings.HasSuffix(name, "/off"): // rows are encoded again: no goal
			r.target = "none"
		default:
			r.target, r.state = "60,000 seeds/s", verdict(a, 60_000, true)
		}
		if strings.HasPrefix(name, "score/rel-f1/width=128") { // the reference's own network
			r.peer, r.ratio = amount(theirs, bench.Seeds), times(faster(a, theirs, bench.Seeds))
		}
		rows = append(rows, r)
	}
	if rows == nil {
		rows = []row{{name: "score", what: "batch scoring", target: "60,000 seeds/s", state: notMeasured}}
	}
	if scan.what != "" {
		rows = append(rows, scan)
	}
	return rows
}

func (s *store) scalingRows() []row {
	one, two := s.median("epoch", key{ours, "", epochName, 1}), s.median("epoch", key{ours, "", epochName, 2})
	gain := faster(two, one, bench.Seconds)
	return []row{{name: "scaling", what: "the same epoch on 2 threads against 1", ours: amount(two, bench.Seconds), peer: amount(one, bench.Seconds) + " (ours, 1 thread)",
		ratio: times(gain), target: "1.8x", state: verdict(gain, 1.8, true)}}
}

// gorgonia begins the names of layers that are written as its expressions.
const gorgonia = "layer/gorgonia-"

// gorgoniaRows say what a layer costs as an expression graph, against the built-in one.
func (s *store) gorgoniaRows() []row {
	var rows []row
	for _, name := range s.cases("layers", gorgonia) {
		if strings.Contains(name, "/small") {
			continue // stands among all figures
		}
		built := "layer/" + strings.TrimPrefix(name, gorgonia)
		a, b := s.median("layers", key{ours, "", name, 2}), s.median("layers", key{ours, "", built, 2})
		rows = append(rows, row{name: name, what: strings.TrimPrefix(name, gorgonia) + " as a gorgonia expression, against the built-in layer, 2 threads", ours: amount(a, bench.Millis),
			peer: amount(b, bench.Millis) + " (built in)", ratio: times(faster(a, b, bench.Millis)), target: "none", state: ""})
	}
	return rows
}

// cases lists the names of our figures of a part with a prefix, in order of appearance.
func (s *store) cases(part, prefix string) []string {
	var names []string
	if r := s.parts[part]; r != nil {
		for _, f := range r.Figures {
			if f.Who == ours && strings.HasPrefix(f.Case, prefix) && !slices.Contains(names, f.Case) {
				names = append(names, f.Case)
			}
		}
	}
	return names
}

// gbdtRows hold the time and the quality of boosted trees beside LightGBM's.
func (s *store) gbdtRows() []row {
	var rows []row
	for _, l := range []struct{ name, what string }{
		{"gbdt/regression", "boosted trees, 200,000 x 50, squared error"},
		{"gbdt/binary", "boosted trees, 200,000 x 50, log loss"},
		{"gbdt/driver-position", "boosted trees, as-of features of driver-position, absolute error"},
	} {
		for t := 1; t <= 2; t++ {
			r := s.against("gbdt", l.name, t, "", l.what+", against LightGBM", bench.Seconds, 1/1.5)
			r.target = "0.67x"
			rows = append(rows, r)
		}
		rows = append(rows, s.gbdtQuality(l.name, l.what))
	}
	return rows
}

// gbdtQuality is how much worse our score on the test rows is, in percent; less than
// nothing where it is better.
func (s *store) gbdtQuality(name, what string) row {
	score := func(who string) (float64, string) {
		for _, f := range s.find("gbdt", key{who, "", name, 1}) {
			return detailNumber(f.Detail, "quality"), detailText(f.Detail, "metric")
		}
		return 0, ""
	}
	a, metric := score(ours)
	b, _ := score(peer)
	r := row{name: name + "/quality", what: what + ", " + cmp.Or(metric, "quality") + " on unseen rows", target: "2 % worse at most", state: notMeasured}
	if a == 0 || b == 0 {
		return r
	}
	worse := a/b - 1
	if metric == "roc_auc" {
		worse = 1 - a/b
	}
	r.ours, r.peer, r.ratio = fmt.Sprintf("%.4f", a), fmt.Sprintf("%.4f", b), fmt.Sprintf("%+.1f %%", 100*worse)
	r.state = "met"
	if worse > 0.02 {
		r.state = "**not met**"
	}
	return r
}
