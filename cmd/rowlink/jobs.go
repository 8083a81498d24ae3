package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/jobs"
	"github.com/rowlink/rowlink/workspace"
)

func init() { subcommands.Add("jobs", jobsCommand) }

// jobsFolder is where the server's jobs lie in a workspace.
func jobsFolder(dir string) string { return filepath.Join(dir, "queue") }

func jobsCommand(a *app) *cobra.Command {
	var cancel bool
	cmd := &cobra.Command{
		Use:   "jobs [JOB]",
		Short: "List the jobs of the server, show one with what it said, or cancel it",
		Long: `jobs reads the trainings and batches that rowlink serve was asked for over REST, from the workspace.
A job that is running while no server is goes on when the next one starts. --cancel leaves the wish
to cancel; the server heeds it within seconds. No database is needed.`,
		Example: "  rowlink jobs\n  rowlink jobs 20261127-120501000000-abcdef --cancel",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			w, err := workspace.Open(a.workspace)
			if err != nil {
				return err
			}
			list, err := jobs.Read(jobsFolder(w.Dir()))
			if err != nil {
				return err
			}
			if len(args) == 0 {
				if cancel {
					return usage("name it: rowlink jobs JOB --cancel", "--cancel: of which job?")
				}
				return a.print(map[string]any{"jobs": append([]jobs.Job{}, list...)}, func(out io.Writer) error { return jobsText(out, list) })
			}
			at := slices.IndexFunc(list, func(j jobs.Job) bool { return j.ID == args[0] })
			if at < 0 {
				return usage("rowlink jobs lists them", "there is no job %q", args[0])
			}
			j := list[at]
			if cancel {
				return a.cancelJob(jobsFolder(w.Dir()), j)
			}
			events := jobs.ReadEvents(jobsFolder(w.Dir()), j.ID)
			return a.print(map[string]any{"job": j, "events": append([]jobs.Event{}, events...)}, func(out io.Writer) error { return jobText(out, j, events) })
		},
	}
	cmd.Flags().BoolVar(&cancel, "cancel", false, "cancel the job")
	return cmd
}

func (a *app) cancelJob(dir string, j jobs.Job) error {
	if j.State.Final() {
		return usage("", "job %s is %s already", j.ID, j.State)
	}
	if err := jobs.RequestCancel(dir, j.ID); err != nil {
		return err
	}
	return a.print(map[string]any{"job": j.ID, "cancel": true}, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, "job %s of task %s is to be cancelled\n", j.ID, j.Task)
		return err
	})
}

func jobsText(out io.Writer, list []jobs.Job) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "no job yet: POST /v1/tasks/TASK/train and POST /v1/batches of rowlink serve make them")
		return err
	}
	rows := []string{"job\tkind\ttask\tstate\tcreated\tended\truns"}
	for _, j := range list {
		ended := "-"
		if !j.Ended.IsZero() {
			ended = j.Ended.UTC().Format(time.DateTime)
		}
		rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%d", j.ID, j.Kind, j.Task, j.State, j.Created.UTC().Format(time.DateTime), ended, j.Attempts))
	}
	return table(out, rows...)
}

func jobText(out io.Writer, j jobs.Job, events []jobs.Event) error {
	if err := jobsText(out, []jobs.Job{j}); err != nil {
		return err
	}
	for _, e := range events {
		var said string
		if json.Unmarshal(e.Data, &said) != nil {
			said = string(e.Data)
		}
		fmt.Fprintf(out, "%s  %-8s  %s\n", e.At.UTC().Format(time.TimeOnly), e.Kind, said)
	}
	if j.Error != "" {
		fmt.Fprintln(out, j.Error)
	}
	return nil
}
