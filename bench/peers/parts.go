package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rowlink/rowlink/bench"
)

// part is a group of loads that is measured in one go: in every round each of its steps
// once, so that a change of the machine's load meets both sides.
type part struct {
	name  string
	data  bool // reads rel-f1
	once  bool // one round is enough: the load repeats itself
	steps func(o options) []step
}

// step is one process.
type step struct {
	who     string // ours or peer
	variant string // of the peer: "" or tuned
	args    []string
	env     []string
}

const ours, peer, tuned = "ours", "peer", "tuned malloc"

// tunedMalloc keeps glibc from returning each large tensor to the kernel.
var tunedMalloc = []string{"MALLOC_MMAP_THRESHOLD_=4294967295", "MALLOC_TRIM_THRESHOLD_=4294967295"}

var parts = []part{
	{name: "kernels", steps: func(o options) []step {
		var s []step
		for t := 1; t <= 2; t++ {
			s = append(s, o.script(t, "kernels.py", "--reps", o.reps(40, 8)), o.bench(t, "^(gemm|gather)/"))
		}
		return s
	}},
	{name: "layers", steps: func(o options) []step {
		script := o.script(2, "layers.py", "--reps", o.reps(15, 3))
		again := script
		again.variant, again.env = tuned, tunedMalloc
		return []step{script, o.bench(2, "^layer/"), again, o.bench(2, "^layer/[a-z0-9]+$")}
	}},
	{name: "sampler", data: true, steps: func(o options) []step {
		var s []step
		for t := 1; t <= 2; t++ {
			s = append(s, o.script(t, "sampler.py", "f1", o.f1, "--reps", o.reps(5, 2)), o.bench(t, "^sampler/f1"))
		}
		return s
	}},
	{name: "synth", once: true, steps: func(o options) []step {
		var s []step
		for t := 1; t <= 2; t++ {
			s = append(s, o.script(t, "sampler.py", "synth", "--reps", o.reps(5, 1)), o.long(t, "^sampler/synth"))
		}
		return s
	}},
	{name: "epoch", data: true, steps: func(o options) []step {
		return []step{
			o.script(2, "gnn.py", o.f1, "--epochs", "1", "--max-batches", o.reps(4, 2), "--no-eval", "--inf-reps", o.reps(2, 1)),
			o.long(2, "^epoch/", "--epochs", o.reps(4, 2)), o.long(1, "^epoch/", "--epochs", o.reps(3, 2))}
	}},
	{name: "score", once: true, steps: func(o options) []step { return []step{o.long(2, "^score(-whole)?/", o.rough()...)} }},
	{name: "gbdt", data: true, steps: func(o options) []step {
		var s []step
		for t := 1; t <= 2; t++ { // ours first: it writes the table of as-of features for the script
			table := filepath.Join(os.TempDir(), "rowlink-gbdt-table.csv")
			own := o.long(t, "^gbdt/", "--epochs", o.reps(2, 1))
			own.env = []string{"BENCH_GBDT_TABLE=" + table}
			s = append(s, own, o.script(t, "gbdt.py", table, "--mode", "fit", "--reps", o.reps(2, 1)))
		}
		return s
	}},
	{name: "curve", data: true, once: true, steps: func(o options) []step {
		n, seeds := strconv.Itoa(o.epochs), "1,2,3"
		if o.quick {
			seeds = "1"
		}
		trainings := strconv.Itoa(strings.Count(seeds, ",") + 1)
		return []step{o.script(2, "gnn.py", o.f1, "--epochs", n, "--seeds", seeds, "--inf-reps", "0"), o.long(2, "^epoch/", "--epochs", n, "--seeds", trainings)}
	}},
}

func partNames() []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// reps is a number of repetitions as an argument.
func (o options) reps(full, quick int) string {
	if o.quick {
		full = quick
	}
	return strconv.Itoa(full)
}

func (o options) script(threads int, name string, args ...string) step {
	return step{who: peer, args: append([]string{o.python, "-W", "ignore", filepath.Join(o.scripts, name), "--threads", strconv.Itoa(threads)}, args...)}
}

func (o options) bench(threads int, pattern string, args ...string) step {
	if o.quick {
		args = append(args, "--quick")
	}
	return o.long(threads, pattern, args...)
}

// long is a bench of cases that a quick run leaves out.
func (o options) long(threads int, pattern string, args ...string) step {
	return step{who: ours, args: append([]string{o.rowlink, "bench", "--json", "--run", pattern, "--threads", strconv.Itoa(threads)}, args...)}
}

// rough shortens a bench of long cases in a quick run: only the first of them.
func (o options) rough() []string {
	if o.quick {
		return []string{"--run", "^score/rel-f1/width=32"}
	}
	return nil
}

// partResult is what a part said.
type partResult struct {
	Began   time.Time         `json:"began"`
	Seconds float64           `json:"seconds"`
	Rounds  int               `json:"rounds"`
	Quick   bool              `json:"quick,omitempty"`
	Load    [2]string         `json:"load"` // average of a minute, before and after
	Machine *bench.Machine    `json:"machine,omitempty"`
	Peers   map[string]string `json:"peers,omitempty"` // versions
	Figures []said            `json:"figures"`
}

// said is one figure of one process.
type said struct {
	Round   int             `json:"round"`
	Who     string          `json:"who"`
	Variant string          `json:"variant,omitempty"`
	Case    string          `json:"case"`
	Unit    string          `json:"unit"`
	Threads int             `json:"threads"`
	Median  float64         `json:"median"`
	Detail  json.RawMessage `json:"detail,omitempty"`
}

func (p part) measure(ctx context.Context, o options) (*partResult, error) {
	r := &partResult{Began: time.Now().UTC().Truncate(time.Second), Rounds: o.rounds, Quick: o.quick, Figures: []said{}}
	if p.once {
		r.Rounds = 1
	}
	r.Load[0] = bench.ThisMachine().Load
	for round := range r.Rounds {
		for _, s := range p.steps(o) {
			if err := r.take(ctx, round, s); err != nil {
				return nil, err
			}
		}
	}
	r.Load[1] = bench.ThisMachine().Load
	r.Seconds = time.Since(r.Began).Seconds()
	return r, nil
}

// answer is the JSON document of either side.
type answer struct {
	Versions map[string]string `json:"versions"`
	Machine  *bench.Machine    `json:"machine"`
	Figures  []said            `json:"figures"`
}

// take runs a step and adds its figures. A script writes them to a file, since libraries
// print to stdout what they like; rowlink bench writes them to stdout.
func (r *partResult) take(ctx context.Context, round int, s step) error {
	dir, err := os.MkdirTemp("", "peers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "figures.json")
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	args := s.args
	if s.who == peer {
		args = append(args[:len(args):len(args)], "--out", path)
	}
	fmt.Fprintf(os.Stderr, "\n== round %d, %s %s: %v\n", round+1, s.who, s.variant, args)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), s.env...)
	if lib := os.Getenv("BENCH_PYG_LIB"); lib != "" && s.who == peer {
		cmd.Env = append(cmd.Env, "PYTHONPATH="+lib)
	}
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	if s.who == peer {
		cmd.Stdout = os.Stderr
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run %s: %w", args[0], err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var a answer
	if err := json.Unmarshal(data, &a); err != nil {
		return fmt.Errorf("read the figures of %v: %w", args, err)
	}
	for _, f := range a.Figures {
		f.Round, f.Who, f.Variant = round, s.who, s.variant
		r.Figures = append(r.Figures, f)
	}
	if a.Machine != nil {
		r.Machine = a.Machine
		r.Machine.Commit = cmp.Or(r.Machine.Commit, commit(ctx))
	}
	if len(a.Versions) > 0 {
		r.Peers = a.Versions
	}
	return nil
}

// commit is what the repository is at, for programs that were built without that; empty
// outside of a repository.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=9").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
