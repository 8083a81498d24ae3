package main

import (
	"cmp"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/bench/quality"
	"github.com/rowlink/rowlink/bench/relf1"
)

func qualityCommand(a *app) *cobra.Command {
	var match, page string
	var seeds int
	o := quality.Options{}
	pageOnly := false
	cmd := &cobra.Command{
		Use:   "quality",
		Short: "Compare all predictors on all reference tasks",
		Long: `quality fits every reference task, with --model auto, and prints what each predictor reached on test beside what
is served. It reads the databases below data/ of the folder that ROWLINK_TESTDATA names (default ../shared).
Results are kept in --store, so that a call for some tasks leaves the others as they were measured.`,
		Example: "  rowlink bench quality --run 'driver_.*/rolling' --seeds 3\n  rowlink bench quality --page docs/quality.md",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if seeds < 1 {
				return usage("", "--seeds is %d, want at least 1", seeds)
			}
			var err error
			if o.Match, err = regexp.Compile(match); err != nil {
				return usage("", "--run: %v", err)
			}
			o.Data = cmp.Or(os.Getenv(relf1.Env), filepath.Join("..", "shared"))
			o.Fit.Ensemble, o.Fit.Scan, o.Threads, o.OnNote = seeds, seeds, a.threads, a.say
			if !pageOnly {
				ran, err := quality.Run(cmd.Context(), o)
				if err != nil {
					return err
				}
				if ran == 0 {
					return usage("have "+strings.Join(qualityNames(), ", ")+"; their databases lie below "+filepath.Join(o.Data, "data"), "no case ran")
				}
			}
			m, err := quality.Load(o.Store, besidePage(page))
			if err != nil {
				return err
			}
			if page != "" {
				return writePage(page, m)
			}
			return a.print(m.Results, func(w io.Writer) error { return quality.Page(w, m) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&match, "run", "", "only the cases (task/regime) whose name this regular expression matches")
	f.IntVar(&seeds, "seeds", 3, "networks of each task, each from a seed of its own")
	f.BoolVar(&o.Fit.Refit, "refit", true, "also fit what is served anew on training and validation examples")
	f.Uint64Var(&o.Fit.Train.Seed, "seed", 1, "equal seeds give equal results")
	f.DurationVar(&o.Fit.Train.TimeLimit, "time-limit", 10*time.Minute, "stop a network's training after the epoch that passes this time")
	f.StringVar(&o.Store, "store", filepath.Join("bench", "out", "quality"), "folder that keeps what was measured")
	f.StringVar(&page, "page", "", "write the page to this file instead of printing it, and its figures beside it; cases that did not run keep theirs")
	f.BoolVar(&pageOnly, "page-only", false, "measure nothing, write the page from what was kept")
	return cmd
}

// besidePage is the file that holds the figures of a page: cases that did not run here keep
// those of the page.
func besidePage(page string) string {
	if page == "" {
		return ""
	}
	return strings.TrimSuffix(page, filepath.Ext(page)) + ".json"
}

func writePage(path string, m *quality.Measured) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := quality.Page(f, m); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return m.Keep(besidePage(path))
}

func qualityNames() []string {
	var out []string
	for _, c := range quality.Cases() {
		out = append(out, c.Name())
	}
	return out
}
