package main

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/bench"
)

func init() { subcommands.Add("bench", benchCommand) }

// benchReport is what bench measured, and where.
type benchReport struct {
	Machine bench.Machine  `json:"machine"`
	Figures []bench.Figure `json:"figures"`
	Skipped []benchSkip    `json:"skipped"`
}

type benchSkip struct {
	Case   string `json:"case"`
	Reason string `json:"reason"`
}

func benchCommand(a *app) *cobra.Command {
	var match string
	o := bench.Options{}
	list := false
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure kernels, layers, sampling, training and scoring on this machine",
		Long: `bench runs the loads of the project's benchmarks and prints one table: medians of single passes,
each load at one thread and at all cores, or at --threads alone. Loads that read rel-f1 need its
CSV files below data/f1 of the folder that ROWLINK_TESTDATA names (default ../shared) and are left
out without them. The same loads run beside other engines with make bench-peers.`,
		Example: "  rowlink bench --quick\n  rowlink bench --run gemm --threads 2\n  rowlink bench --run epoch --epochs 5 --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if list {
				return a.print(caseNames(), func(w io.Writer) error { return table(w, caseNames()...) })
			}
			var err error
			if o.Match, err = regexp.Compile(match); err != nil {
				return usage("", "--run: %v", err)
			}
			if a.threads > 0 {
				o.Threads = []int{a.threads}
			}
			report := benchReport{Machine: bench.ThisMachine(), Figures: []bench.Figure{}, Skipped: []benchSkip{}}
			o.OnFigure = func(f bench.Figure) {
				a.say("%s, %s: %s %s", f.Case, count(f.Threads, "thread"), figure(f.Median), f.Unit)
			}
			o.OnSkip = func(c bench.Case, reason string) {
				report.Skipped = append(report.Skipped, benchSkip{c.Name, reason})
				a.say("left out %s: %s", c.Name, reason)
			}
			if report.Figures, err = bench.Run(cmd.Context(), o); err != nil {
				return err
			}
			if len(report.Figures)+len(report.Skipped) == 0 {
				return usage("have "+strings.Join(caseNames(), ", "), "no case matches --run %q", match)
			}
			return a.print(report, report.text)
		},
	}
	f := cmd.Flags()
	f.StringVar(&match, "run", "", "only the cases whose name this regular expression matches")
	f.BoolVar(&o.Env.Quick, "quick", false, "fewer repetitions, and no case that takes long")
	f.IntVar(&o.Env.Epochs, "epochs", 3, "epochs of the training case")
	f.IntVar(&o.Env.Steps, "steps", 0, "most steps per epoch (default all)")
	f.IntVar(&o.Env.Seeds, "seeds", 1, "trainings of the training case, each with a seed of its own")
	f.BoolVar(&list, "list", false, "only list the names of the cases")
	cmd.AddCommand(withArgs(qualityCommand(a)), withArgs(layersCommand(a)))
	return cmd
}

func caseNames() []string {
	var names []string
	for _, c := range bench.Cases() {
		names = append(names, c.Name)
	}
	return names
}

// text prints the table for people.
func (r *benchReport) text(w io.Writer) error {
	m := r.Machine
	fmt.Fprintf(w, "%s, %s, %.0f GB, %s, %s, kernels %s (CPU has %s), load %s, %s\n\n", m.CPU, count(m.Cores, "core"), m.MemoryGB, m.OS, m.Go,
		m.Kernels, strings.Join(m.Features, " "), m.Load, m.Time.Format("2006-01-02 15:04 UTC"))
	rows := []string{"case\tthreads\tmedian\tbest\tunit\twhat"}
	for _, f := range r.Figures {
		rows = append(rows, fmt.Sprintf("%s\t%d\t%s\t%s\t%s\t%s", f.Case, f.Threads, figure(f.Median), figure(f.Best), f.Unit, f.What))
	}
	for _, s := range r.Skipped {
		rows = append(rows, fmt.Sprintf("%s\t-\t-\t-\t-\tleft out: %s", s.Case, s.Reason))
	}
	return table(w, rows...)
}

// figure prints a number with about three digits.
func figure(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
