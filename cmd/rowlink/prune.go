package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/jobs"
	"github.com/rowlink/rowlink/workspace"
)

// pruned is what prune prints with --json.
type pruned struct {
	Dry   bool               `json:"dry_run"`
	Gone  []workspace.Pruned `json:"gone"`
	Bytes int64              `json:"bytes"`
}

func pruneCommand(a *app) *cobra.Command {
	r := workspace.Retention{}
	cmd := &cobra.Command{
		Use:   "prune [TASK]",
		Short: "Remove old versions, snapshots that no version needs, and checkpoints of trainings that never came back",
		Long: `prune keeps the latest versions of each task, or of TASK, and those that an alias names, would name
after one rollback, or that a waiting job is to ask. Snapshots stay if they are the latest or of a
version that stays. No database is needed.`,
		Example: "  rowlink models prune --keep 5 --dry-run\n  rowlink models prune churn --keep 2",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case r.Keep < 1:
				return usage("", "--keep is %d, want 1 or more", r.Keep)
			case r.Older < 0:
				return usage("", "--older is %s, want 0 or more", r.Older)
			}
			w, err := workspace.Open(a.workspace)
			if err != nil {
				return err
			}
			if len(args) > 0 {
				r.Task = args[0]
				if _, err := listVersions(w, args); err != nil {
					return err
				}
			}
			if r.Used, err = usedByJobs(w); err != nil {
				return err
			}
			gone, err := w.Prune(r)
			if err != nil {
				return err
			}
			out := pruned{Dry: r.Dry, Gone: append([]workspace.Pruned{}, gone...)}
			for _, p := range gone {
				out.Bytes += p.Bytes
			}
			return a.print(out, out.text)
		},
	}
	cmd.Flags().IntVar(&r.Keep, "keep", 3, "how many of the latest versions of a task stay")
	cmd.Flags().DurationVar(&r.Older, "older", 24*time.Hour, "snapshots and checkpoints younger than this stay: a training may be at work on them")
	cmd.Flags().BoolVar(&r.Dry, "dry-run", false, "say what would go, and remove nothing")
	return cmd
}

func (p pruned) text(w io.Writer) error {
	verb := "removed"
	if p.Dry {
		verb = "would remove"
	}
	if len(p.Gone) == 0 {
		_, err := fmt.Fprintln(w, "nothing to remove")
		return err
	}
	for _, g := range p.Gone {
		of := ""
		if g.Task != "" {
			of = " of task " + g.Task
		}
		fmt.Fprintf(w, "%s %s %s%s, %s\n", verb, g.Kind, g.Name, of, bytesText(int(g.Bytes)))
	}
	_, err := fmt.Fprintf(w, "%s in all\n", bytesText(int(p.Bytes)))
	return err
}

// usedByJobs are the versions that batches which have not ended are to ask.
func usedByJobs(w *workspace.Workspace) (map[string][]int, error) {
	list, err := jobs.Read(jobsFolder(w.Dir()))
	used := map[string][]int{}
	for _, j := range list {
		var req jobRequest
		if j.State.Final() || json.Unmarshal(j.Request, &req) != nil {
			continue
		}
		for i, arg := range req.Args {
			if arg == "--version" && i+1 < len(req.Args) {
				if n, err := strconv.Atoi(req.Args[i+1]); err == nil {
					used[j.Task] = append(used[j.Task], n)
				}
			}
		}
	}
	return used, err
}
