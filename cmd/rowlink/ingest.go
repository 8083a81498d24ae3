package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/ingest"
	_ "github.com/rowlink/rowlink/ingest/csvdir"   // URL scheme csv
	_ "github.com/rowlink/rowlink/ingest/postgres" // URL scheme postgres
	_ "github.com/rowlink/rowlink/ingest/sqlite"   // URL scheme sqlite
)

func init() { subcommands.Add("ingest", ingestCommand) }

func ingestCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "ingest",
		Short:   "Take a new snapshot of the database",
		Long:    "ingest copies the tables once, from one consistent state, into the workspace. The database is only read.",
		Example: "  rowlink ingest --db postgres://me@localhost/shop --schema public",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := a.open(cmd.Context(), true)
			if err != nil {
				return err
			}
			defer d.Close()
			type tableInfo struct {
				Table     string `json:"table"`
				Rows      int    `json:"rows"`
				NoTime    int    `json:"rows_without_time"`
				Dangling  int    `json:"dangling_references"`
				FirstTime string `json:"first,omitempty"`
				LastTime  string `json:"last,omitempty"`
			}
			var infos []tableInfo
			for _, t := range d.Snap.Tables {
				info := tableInfo{Table: t.Def.FullName(), Rows: t.Rows, NoTime: t.NoTime}
				for _, n := range t.Dangling {
					info.Dangling += n
				}
				if first, last, ok := span(t); ok {
					info.FirstTime, info.LastTime = instant(first), instant(last)
				}
				infos = append(infos, info)
			}
			return a.print(map[string]any{"snapshot": d.Snap.ID, "source": d.Source, "taken": instant(d.Snap.Taken), "tables": infos, "findings": append([]ingest.Finding{}, d.Snap.Findings...)},
				func(w io.Writer) error {
					fmt.Fprintf(w, "snapshot %s of %s, taken %s\n\n", d.Snap.ID, d.Source, instant(d.Snap.Taken))
					rows := []string{"table\trows\tfirst\tlast\tno time\tdangling"}
					for _, i := range infos {
						rows = append(rows, fmt.Sprintf("%s\t%d\t%s\t%s\t%d\t%d", i.Table, i.Rows, i.FirstTime, i.LastTime, i.NoTime, i.Dangling))
					}
					if err := table(w, rows...); err != nil {
						return err
					}
					for _, f := range d.Snap.Findings {
						fmt.Fprintf(w, "%s: %s: %s\n", f.Level, f.Check, f.Detail)
					}
					return nil
				})
		},
	}
}
