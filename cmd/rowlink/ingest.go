package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"

	_ "github.com/rowlink/rowlink/ingest/csvdir"   // URL scheme csv
	_ "github.com/rowlink/rowlink/ingest/parquet"  // URL schemes parquet, relbench
	_ "github.com/rowlink/rowlink/ingest/postgres" // URL scheme postgres
	_ "github.com/rowlink/rowlink/ingest/sqlite"   // URL scheme sqlite
)

func init() { subcommands.Add("ingest", ingestCommand) }

func ingestCommand(a *app) *cobra.Command {
	var memory int
	cmd := &cobra.Command{
		Use:   "ingest",
		Short: "Take a new snapshot of the database",
		Long: `ingest copies the tables once, from one consistent state, into the workspace. The database is only read.

With --refresh it begins from the workspace's latest snapshot of the same database and copies only the
rows that were written since, table by table, and says how and why. The result is the snapshot that a
whole copy would give. Tables that cannot be followed so (rows were deleted, the table was truncated,
rewritten or altered, the server was restarted) and sources other than Postgres are copied whole.`,
		Example: "  rowlink ingest --db postgres://me@localhost/shop --schema public\n  rowlink ingest --refresh",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.setMemory(memory); err != nil {
				return err
			}
			d, err := a.open(cmd.Context(), true)
			if err != nil {
				return err
			}
			defer d.Close()
			r := newIngestReport(d)
			return a.print(r, r.text)
		},
	}
	f := cmd.Flags()
	a.acceptFlag(cmd)
	f.BoolVar(&a.refresh, "refresh", false, "copy only what changed since the workspace's latest snapshot")
	f.BoolVar(&a.reading.AcceptRowSecurity, "accept-row-security", false, "take only the rows that the role sees where row-level security hides some")
	f.DurationVar(&a.reading.MaxAge, "max-age", 0, "give up when one state of a live database was held so long (default 30m)")
	f.IntVar(&memory, "memory", 0, "MiB of memory for rows under way and small columns; the rest goes to files of the workspace, indexes of keys come on top (default 256)")
	return cmd
}

// leastMemory is what a read needs at least, in MiB.
const leastMemory = 16

// setMemory takes the budget of a read over, and lets the collector keep to it.
func (a *app) setMemory(mib int) error {
	if mib == 0 {
		return nil
	}
	if mib < leastMemory {
		return usage("", "--memory is %d, want %d (MiB) or more", mib, leastMemory)
	}
	a.reading.Memory = int64(mib) << 20
	debug.SetMemoryLimit(a.reading.Memory)
	return nil
}
