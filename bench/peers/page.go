package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rowlink/rowlink/bench"
)

// writePage writes the page and, where both curves are known, their picture beside it.
func writePage(o options, s *store) error {
	reasons, err := readReasons(filepath.Join(o.scripts, "reasons.md"))
	if err != nil {
		return err
	}
	w := &strings.Builder{}
	w.WriteString("# Benchmarks\n\nWritten by `make bench-peers` from what it measured; do not edit. Ours and the peer take turns in one run on one machine, and a\n" +
		"figure is the median over rounds of the median of single passes. The ratio says how many times faster ours is.\n\n")
	s.writeWhere(w)
	rows := s.goalRows()
	fmt.Fprintf(w, "\n## Goals\n\n| what | ours | peer | ratio | goal | |\n|---|--:|--:|--:|--:|---|\n")
	for _, r := range rows {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", r.what, r.ours, r.peer, r.ratio, r.target, r.state)
	}
	writeReasons(w, rows, reasons)
	if err := s.writeCurves(w, o.page); err != nil {
		return err
	}
	s.writeAll(w)
	w.WriteString(howTo)
	if err := os.MkdirAll(filepath.Dir(o.page), 0o755); err != nil {
		return err
	}
	return os.WriteFile(o.page, []byte(w.String()), 0o644)
}

const howTo = `
## Run it again

` + "```" + `
make bench-peers                                     # everything, about 40 minutes on a quiet machine
make bench-peers PEERS='-quick'                      # does everything work? A few minutes; rough figures
make bench-peers PEERS='-parts kernels,layers'       # some parts; the rest of the page stays as it was measured
make bench-peers PEERS='-page'                       # only write the page anew
make bench BENCH=Case COUNT=6 > new.txt              # ours alone, for benchstat
bin/rowlink bench --run gemm                         # ours alone, as a table
` + "```" + `

The peers' environment is made from public packages on the first call (bench/peers/setup.sh; BENCH_VENV names another place).
rel-f1 is read from the Ergast CSV files below data/f1 of ROWLINK_TESTDATA (default ../shared). pyg-lib is not in the package
index: build it from its public source and set BENCH_PYG_LIB to the folder that holds the package; without it the reference
pipeline's batches come from a sampler of ours in numpy whose time is not counted.
`

// writeWhere says on what machine and with what versions each part ran.
func (s *store) writeWhere(w *strings.Builder) {
	fmt.Fprintf(w, "| part | measured | rounds | load before, after | commit | kernels | machine |\n|---|---|--:|---|---|---|---|\n")
	versions := map[string]string{}
	for _, name := range partNames() {
		r := s.parts[name]
		if r == nil {
			fmt.Fprintf(w, "| %s | not measured | | | | | |\n", name)
			continue
		}
		rounds := strconv.Itoa(r.Rounds)
		if r.Quick {
			rounds += " (quick: rough)"
		}
		m := r.Machine
		if m == nil {
			m = &bench.Machine{}
		}
		fmt.Fprintf(w, "| %s | %s, %.0f s | %s | %s, %s | %s | %s | %d cores of %s (%s), %.0f GB, %s, %s |\n", name, r.Began.Format("2006-01-02 15:04 UTC"),
			r.Seconds, rounds, r.Load[0], r.Load[1], cmp.Or(m.Commit, "-"), m.Kernels, m.Cores, m.CPU, strings.Join(m.Features, " "), m.MemoryGB, m.OS, m.Go)
		maps.Copy(versions, r.Peers)
	}
	var list []string
	for _, p := range slices.Sorted(maps.Keys(versions)) {
		list = append(list, p+" "+cmp.Or(versions[p], "absent"))
	}
	if len(list) > 0 {
		fmt.Fprintf(w, "\nPeers: %s.\n", strings.Join(list, ", "))
	}
	if sampler := s.curvesOr("epoch").Sampler; sampler != "" {
		fmt.Fprintf(w, "The reference pipeline's batches came from %s.\n", sampler)
	}
}

// curvesOr is the detail of the reference's epochs in some part.
func (s *store) curvesOr(part string) lossDetail {
	c := curves{}
	for _, f := range s.find(part, key{peer, "", epochName, 2}) {
		c.peer.Sampler = detailText(f.Detail, "sampler")
	}
	return c.peer
}

// readReasons reads lines "name: why a goal is not met; the next idea". A name that ends
// in * stands for all that begin so.
func readReasons(path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if name, text, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && !strings.HasPrefix(name, "#") {
			out[name] = text
		}
	}
	return out, nil
}

func reason(reasons map[string]string, name string) string {
	if text := reasons[name]; text != "" {
		return text
	}
	for _, pattern := range slices.Sorted(maps.Keys(reasons)) {
		if prefix, ok := strings.CutSuffix(pattern, "*"); ok && strings.HasPrefix(name, prefix) {
			return reasons[pattern]
		}
	}
	return ""
}

// writeReasons lists the goals that are not met, each once, with why and what next.
func writeReasons(w *strings.Builder, rows []row, reasons map[string]string) {
	var lines []string
	for _, r := range rows {
		if r.state == "" || r.state == "met" {
			continue
		}
		text := cmp.Or(reason(reasons, r.name), "no reason noted yet in bench/peers/reasons.md")
		if r.state == notMeasured {
			text = notMeasured + " in this run"
		}
		if line := fmt.Sprintf("- %s: %s", r.name, text); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	if len(lines) > 0 {
		fmt.Fprintf(w, "\nNot met, and why:\n\n%s\n", strings.Join(lines, "\n"))
	}
}

// writeCurves prints the losses per epoch and draws them.
func (s *store) writeCurves(w *strings.Builder, page string) error {
	c := s.curves()
	if c.epochs() == 0 {
		return nil
	}
	picture := strings.TrimSuffix(page, filepath.Ext(page)) + "-loss.svg"
	if err := c.draw(picture); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n## Loss curves\n\nTraining loss and validation error in places: means (standard deviations) of %d trainings of ours, %d of the reference, each with a seed of its own. Ours has %d parameters (%s), the reference %d.\n\n![loss per epoch](%s)\n\n",
		len(c.ours.Losses), len(c.peer.Losses), c.ours.Parameters, c.ours.Network, c.peer.Parameters, filepath.Base(picture))
	fmt.Fprintf(w, "| epoch | training, ours | training, reference | validation, ours | validation, reference |\n|--:|--:|--:|--:|--:|\n")
	columns := [][][]float64{c.ours.Losses, c.peer.Losses, c.ours.Vals, c.peer.Vals}
	for i := 0; ; i++ {
		line, some := "", false
		for _, column := range columns {
			mean, sd := perEpoch(column)
			if i >= len(mean) {
				line += " - |"
				continue
			}
			line += fmt.Sprintf(" %.3f (%.3f) |", mean[i], sd[i])
			some = true
		}
		if !some {
			return nil
		}
		fmt.Fprintf(w, "| %d |%s\n", i+1, line)
	}
}

// writeAll lists every figure, also those without a goal.
func (s *store) writeAll(w *strings.Builder) {
	fmt.Fprintf(w, "\n## All figures\n\n| case | threads | unit | ours | peer | peer, tuned malloc |\n|---|--:|---|--:|--:|--:|\n")
	for _, part := range partNames() {
		r := s.parts[part]
		if r == nil || part == "curve" {
			continue
		}
		type id struct {
			name    string
			threads int
		}
		var seen []id
		for _, f := range r.Figures {
			k := id{f.Case, f.Threads}
			if slices.Contains(seen, k) {
				continue
			}
			seen = append(seen, k)
			cell := func(who, variant string) string {
				return number(s.median(part, key{who, variant, k.name, k.threads}))
			}
			fmt.Fprintf(w, "| %s | %d | %s | %s | %s | %s |\n", f.Case, f.Threads, f.Unit, cell(ours, ""), cell(peer, ""), cell(peer, tuned))
		}
	}
}
