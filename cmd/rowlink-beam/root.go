package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/beam"
	"github.com/rowlink/rowlink/ingest"
	_ "github.com/rowlink/rowlink/ingest/csvdir"   // the scheme "csv:"
	_ "github.com/rowlink/rowlink/ingest/postgres" // the scheme "postgres:"
	_ "github.com/rowlink/rowlink/ingest/sqlite"   // the scheme "sqlite:"
	"github.com/rowlink/rowlink/workspace"
)

// flags are those of every subcommand.
type flags struct {
	db, workspace string
	schemas       []string
	json, quiet   bool
	engine        beam.Engine
	job           beam.Options
}

func newRoot() *cobra.Command {
	f := &flags{}
	root := &cobra.Command{
		Use:   "rowlink-beam",
		Short: "Bulk jobs of rowlink on Flink, Spark and other engines of Apache Beam",
		Long: `rowlink-beam computes what rowlink computes, for databases that one machine is too small for: the rows are sent to
pieces by entity, and each piece is answered by the same code as on one machine. See docs/scale.md.`,
		SilenceErrors: true, SilenceUsage: true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	p := root.PersistentFlags()
	p.StringVar(&f.db, "db", "", "database URL, where the workspace holds no snapshot of it yet (default: $DATABASE_URL)")
	p.StringArrayVar(&f.schemas, "schema", nil, "namespace to read (repeatable)")
	p.StringVar(&f.workspace, "workspace", ".rowlink", "folder with snapshot and tasks, on storage that all workers reach")
	p.BoolVar(&f.json, "json", false, "print the result as JSON")
	p.BoolVar(&f.quiet, "quiet", false, "no notes")
	p.StringVar(&f.job.Out, "out", "", "folder for the result: part-*.parquet and, once they are whole, _SUCCESS")
	p.IntVar(&f.job.Shards, "shards", 0, "pieces and files of the result (default: one per 10,000 entities)")
	p.StringVar(&f.job.Scratch, "scratch", "", "folder on each worker for the columns of large pieces (default: in memory)")
	p.StringVar(&f.job.Runner, "runner", "prism", "prism (in this process), universal, flink or spark (a job server of Beam)")
	p.StringVar(&f.engine.Endpoint, "endpoint", "", "host:port of the job server")
	p.StringVar(&f.engine.Environment, "environment-type", "", "where workers run: LOOPBACK (this process), EXTERNAL, PROCESS or DOCKER")
	p.StringVar(&f.engine.Config, "environment-config", "", "what the environment type needs: an address, a command or an image")
	p.IntVar(&f.engine.Parallelism, "parallelism", -1, "workers; -1 leaves it to the engine")
	root.AddCommand(labelsCommand(f), featuresCommand(f), sampleCommand(f), scoreCommand(f), statesCommand(f))
	return root
}

// open opens the database and returns the folder of its snapshot.
func (f *flags) open(cmd *cobra.Command) (d *rowlink.Database, folder string, err error) {
	if f.job.Out == "" {
		return nil, "", usageError{fmt.Errorf("--out FOLDER is missing: a result of many pieces does not go to stdout")}
	}
	url := f.db
	if url == "" {
		url = os.Getenv("DATABASE_URL")
	}
	d, err = rowlink.Open(cmd.Context(), rowlink.Options{URL: url, Schemas: f.schemas, Workspace: f.workspace, OnNote: func(format string, args ...any) {
		if !f.quiet {
			fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
		}
	}})
	if err != nil {
		return nil, "", err
	}
	if folder, err = d.Workspace.Snapshot(d.Snap.ID); err == nil {
		err = f.engine.Use()
	}
	if err != nil {
		d.Close()
		return nil, "", err
	}
	return d, folder, nil
}

// taskText finds the text of TASK: a file, - for stdin, or the name of a stored task.
func (f *flags) taskText(cmd *cobra.Command, arg string) (string, error) {
	if arg == "-" {
		data, err := io.ReadAll(cmd.InOrStdin())
		return string(data), err
	}
	if data, err := os.ReadFile(arg); err == nil {
		return string(data), nil
	}
	if workspace.CheckTaskName(arg) != nil {
		return "", &ingest.UserError{Msg: fmt.Sprintf("no file %q", arg), Hint: "TASK is a file such as churn.sql, - for stdin, or the name of a stored task"}
	}
	w, err := workspace.Open(f.workspace)
	if err != nil {
		return "", err
	}
	return w.Task(arg)
}

// tell prints what a job wrote.
func (f *flags) tell(cmd *cobra.Command, done *beam.Done) error {
	if f.json {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		return enc.Encode(done)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "wrote %d rows of %s of task %s to %d files in %s\n", done.Rows, done.Work, done.Task, len(done.Files), f.job.Out)
	return err
}
