package sample_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/graph/sample"
)

var update = flag.Bool("update", false, "rewrite the expected part of the scripts")

// TestScript runs testdata/*.txt: blocks of input, a line "----", the expected
// output and a line "====". Input lines describe tables (see parseTable), seeds
// ("seed row@time key=1") and one "sample entity=... fan=2,2 ..." line.
func TestScript(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			for block := range strings.SplitSeq(strings.TrimSuffix(string(data), "====\n"), "====\n") {
				in, want, _ := strings.Cut(block, "----\n")
				got := runScript(t, in)
				if got != want && !*update {
					t.Errorf("input:\n%s\ngot:\n%s\nwant:\n%s", in, got, want)
				}
				out.WriteString(in + "----\n" + got + "====\n")
			}
			if *update {
				if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func runScript(t *testing.T, in string) string {
	w := newWorld()
	var seeds []sample.Seed
	for line := range strings.SplitSeq(in, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		var err error
		switch fields[0] {
		case "table":
			err = w.parseTable(fields[1:])
		case "seed":
			var s sample.Seed
			_, err = fmt.Sscanf(line, "seed %d@%d key=%d", &s.Row, &s.At, &s.Key)
			seeds = append(seeds, s)
		case "sample":
			return runSample(t, w, seeds, fields[1:])
		default:
			err = fmt.Errorf("unknown word %q", fields[0])
		}
		if err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
	}
	t.Fatalf("no sample line in:\n%s", in)
	return ""
}

func runSample(t *testing.T, w *world, seeds []sample.Seed, fields []string) string {
	g := w.graph(t)
	o := sample.Options{Strategy: "latest"}
	edge := func(name string) int {
		for e := range g.Edges {
			if strings.ReplaceAll(g.Label(e), " ", "") == name {
				return e
			}
		}
		t.Fatalf("no edge type %q", name)
		return -1
	}
	for _, f := range fields {
		k, v, _ := strings.Cut(f, "=")
		switch k {
		case "entity":
			o.Entity = w.snap.Schema.Table(v)
		case "fan":
			o.FanOut = fans(v)
		case "strategy":
			o.Strategy = v
		case "rng":
			o.Seed, _ = strconv.ParseUint(v, 10, 64)
		case "window":
			o.Window, _ = strconv.ParseInt(v, 10, 64)
		case "halflife":
			o.HalfLife, _ = strconv.ParseInt(v, 10, 64)
		case "strict":
			o.Rule.Strict = true
		case "off":
			if o.Edges == nil {
				o.Edges = make([]bool, len(g.Edges))
				for e := range o.Edges {
					o.Edges[e] = true
				}
			}
			o.Edges[edge(v)] = false
		default:
			if o.PerEdge == nil {
				o.PerEdge = map[int][]int{}
			}
			o.PerEdge[edge(k)] = fans(v)
		}
	}
	s, err := sample.New(g, o)
	if err != nil {
		return err.Error() + "\n"
	}
	b := s.Sample(seeds, 0)
	check(t, g, o, b)
	return b.String()
}

func fans(v string) []int {
	var out []int
	for f := range strings.SplitSeq(v, ",") {
		n, err := strconv.Atoi(f)
		if err != nil {
			panic(err)
		}
		out = append(out, n)
	}
	return out
}
