package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/statement"
	"github.com/rowlink/rowlink/tasks/tql"
)

func init() { subcommands.Add("sql", sqlCommand) }

func sqlCommand(a *app) *cobra.Command {
	var command string
	var instant bool
	cmd := &cobra.Command{
		Use:   "sql [FILE]",
		Short: "Run statements of the task language from a file, stdin or a shell",
		Long: `sql runs statements one after another: CREATE, DROP and ALTER, SHOW, EXPLAIN, TRAIN, EVALUATE, PREDICT TASK,
and plain PREDICT queries, which the trained task that asks the same answers. Each ends with a semicolon.
The first that fails ends the run; a text with a fault of syntax runs nothing. Without FILE, on a
terminal, it is a shell with history and completion. With --json each statement gives one line.
The database is only read; ALTER TABLE edits mapping.yaml in the workspace.`,
		Example: "  rowlink sql\n  rowlink sql tasks.sql\n  rowlink sql -c 'SHOW TASKS'\n" +
			"  echo \"EXPLAIN ANALYZE PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH customers;\" | rowlink sql",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s := &statement.Session{Tools: sqlTools{a}, Instant: instant}
			defer s.Close()
			if command != "" && len(args) > 0 {
				return usage("take one of them", "--command and %s both hold statements", args[0])
			}
			if command == "" && len(args) == 0 && isTerminal(a.in) && isTerminal(a.out) {
				return a.shell(cmd.Context(), s)
			}
			text := command
			if command == "" {
				var err error
				if text, err = a.script(args); err != nil {
					return err
				}
			}
			return a.statements(cmd.Context(), s, text, false)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&command, "command", "c", "", "run this text instead of a file")
	f.BoolVar(&instant, "instant", false, "answer a query without a trained task by what can be fitted in seconds, instead of refusing it")
	return cmd
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// script reads the statements of a file, or of stdin.
func (a *app) script(args []string) (string, error) {
	var data []byte
	var err error
	if len(args) == 0 || args[0] == "-" {
		data, err = io.ReadAll(a.in)
	} else {
		data, err = os.ReadFile(args[0])
	}
	if err != nil {
		return "", usageError{fmt.Errorf("read statements: %w", err)}
	}
	return string(data), nil
}

// statements runs a text and prints what each statement gives, long answers by a pager where
// that is wanted.
func (a *app) statements(ctx context.Context, s *statement.Session, text string, pages bool) error {
	var part error // the last statement that answered some of its keys only
	first := true
	err := s.Run(ctx, text, func(answer *statement.Answer) error {
		if answer.Incomplete != nil {
			part = answer.Incomplete
		}
		if !first && !a.json {
			fmt.Fprintln(a.out)
		}
		first = false
		return a.printAnswer(answer, pages)
	})
	if err != nil && a.json && ctx.Err() == nil {
		a.jsonLine(failure(err))
	}
	if err == nil {
		err = part
	}
	return err
}

// printAnswer prints one answer: with --json as one line, else its text, and what to mind
// on stderr.
func (a *app) printAnswer(answer *statement.Answer, pages bool) error {
	a.progress.clear()
	if a.json {
		return a.jsonLine(answer)
	}
	err := a.printText(answer, pages)
	for _, n := range answer.Notes {
		fmt.Fprintf(a.err, "NOTICE:  %s\n", n)
	}
	return err
}

func (a *app) printText(answer *statement.Answer, pages bool) error {
	if !pages {
		return answer.Text(a.out)
	}
	var text bytes.Buffer
	if err := answer.Text(&text); err != nil {
		return err
	}
	return paged(a.out, text.Bytes())
}

func (a *app) jsonLine(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// failure is an error as a line of JSON.
func failure(err error) any {
	var list tql.Errors
	var one *tql.Error
	switch {
	case errors.As(err, &list):
		return map[string]any{"errors": list}
	case errors.As(err, &one):
		return map[string]any{"errors": tql.Errors{one}}
	}
	return map[string]any{"errors": []map[string]string{{"message": err.Error(), "hint": hintOf(err)}}}
}
