package main

import (
	"cmp"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/bench/layertable"
	"github.com/rowlink/rowlink/bench/relf1"
)

func layersCommand(a *app) *cobra.Command {
	var match, page string
	o := layertable.Options{}
	pageOnly := false
	cmd := &cobra.Command{
		Use:   "layers",
		Short: "Train every layer on seven reference tasks, with the same small settings",
		Long: `layers trains every message-passing layer on seven reference tasks of five databases, which it reads below data/ of
the folder that ROWLINK_TESTDATA names (default ../shared), and prints metrics, parameters and seconds.
Results are kept in --store; what it has is not measured again.`,
		Example: "  rowlink bench layers --run 'driver_.*/(sage|gin)' --threads 1\n  rowlink bench layers --page docs/layers.md",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Match, err = regexp.Compile(match); err != nil {
				return usage("", "--run: %v", err)
			}
			o.Data = cmp.Or(os.Getenv(relf1.Env), filepath.Join("..", "shared"))
			o.Threads, o.OnNote = a.threads, a.say
			if !pageOnly {
				if _, err := layertable.Run(cmd.Context(), o); err != nil {
					return err
				}
			}
			results, err := layertable.Load(o.Store)
			if err != nil {
				return err
			}
			if page != "" {
				return layertable.Write(page, results)
			}
			return a.print(results, func(w io.Writer) error {
				_, err := io.WriteString(w, layertable.Section(results))
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&match, "run", "", "only the pairs task/layer that this regular expression matches")
	f.BoolVar(&o.Again, "again", false, "measure anew what --store has")
	f.StringVar(&o.Store, "store", filepath.Join("bench", "out", "layers"), "folder that keeps what was measured")
	f.StringVar(&page, "page", "", "put the tables into this page instead of printing them")
	f.BoolVar(&pageOnly, "page-only", false, "measure nothing, write from what was kept")
	return cmd
}
