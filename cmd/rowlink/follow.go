package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/ingest"
)

func init() { subcommands.Add("follow", followCommand) }

func followCommand(a *app) *cobra.Command {
	f := rowlink.FollowOptions{}
	cmd := &cobra.Command{
		Use:   "follow",
		Short: "Keep the snapshot fresh from the database's stream of changes",
		Long: `follow refreshes the workspace's snapshot as rowlink ingest --refresh does, and then applies what Postgres
tells of its changes by logical replication. It looks every so often and, where something was committed,
stores a new snapshot, which is one state of the database; rowlink serve takes it into service within
seconds. SIGTERM and SIGINT end it. After a crash the next run begins from the last snapshot.

It needs wal_level = logical, a role with the REPLICATION right, and a publication of the tables that
are read; what is missing is told with the SQL for the owner. Nothing is written to the database. A
temporary replication slot is made, which no table knows of and which ends with the connection: while
follow runs, the server keeps the log that follow has not read yet.`,
		Example: "  rowlink follow --db postgres://me@localhost/shop --every 30s",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.keepFresh(cmd.Context(), f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.Publication, "publication", "rowlink", "publication that tells the changes of the tables")
	fl.DurationVar(&f.Every, "every", 30*time.Second, "look so often whether a new snapshot is due")
	fl.BoolVar(&a.reading.AcceptRowSecurity, "accept-row-security", false, "take only the rows that the role sees where row-level security hides some")
	return cmd
}

// following is what follow prints of a snapshot with --json, one line each.
type following struct {
	Snapshot string       `json:"snapshot"`
	Taken    string       `json:"taken"`
	Refresh  []ingest.Way `json:"refresh"`
}

func (a *app) keepFresh(ctx context.Context, f rowlink.FollowOptions) error {
	if f.Every <= 0 {
		return usage("", "--every %s: want a time above 0", f.Every)
	}
	f.OnFault = func(err error) { a.say("no new snapshot: %v", err) }
	f.OnSnapshot = func(d *rowlink.Database) {
		if _, err := d.Workspace.PruneSnapshots(max(snapshotLife, 2*f.Every)); err != nil {
			a.say("old snapshots were not removed: %v", err)
		}
		if a.json {
			line, err := json.Marshal(following{d.Snap.ID, instant(d.Snap.Taken), d.Ways})
			if err == nil {
				_, err = fmt.Fprintf(a.out, "%s\n", line)
			}
			if err != nil {
				a.say("%v", err)
			}
		}
		var parts []string
		for _, w := range d.Ways {
			if w.Way != ingest.WayUnchanged {
				parts = append(parts, fmt.Sprintf("%s %s, %d rows copied", w.Table, w.Way, w.Copied))
			}
		}
		if len(parts) == 0 {
			parts = []string{"nothing changed"}
		}
		a.say("snapshot %s: %s", d.Snap.ID, strings.Join(parts, "; "))
	}
	err := rowlink.Follow(ctx, a.options(false), f)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil // a signal is how it ends
	}
	return err
}
