package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/peterh/liner"

	"github.com/rowlink/rowlink/statement"
	"github.com/rowlink/rowlink/tasks/tql"
)

const shellHelp = `Statements end with a semicolon and may span lines; Tab completes what may come next.
  SHOW MAPPING [table];                     what the tables and columns mean
  ALTER TABLE t SET TIME column;            correct it (in mapping.yaml; the database is only read)
  EXPLAIN [ANALYZE] PREDICT ... ;           how a question is understood, and how its labels come out
  CREATE TASK name AS PREDICT ... ;         SHOW TASKS; SHOW TASK name; DROP TASK name;
  SHOW LABELS name LIMIT 10;                SHOW LABELS name SQL;
  TRAIN name [WITH (epochs = 5)];           SHOW MODELS; SHOW MODEL name;
  EVALUATE name;                            beside the simple baselines
  PREDICT TASK name FOR (1, 2);             or a plain PREDICT query
  \h [STATEMENT]                            the syntax of a statement
  \d [TABLE]                                SHOW MAPPING, of one table or of all
  \i FILE                                   run the statements of a file
  \instant                                  answer untrained queries at once, or not any more
  quit                                      also \q and Ctrl-D; Ctrl-C stops a statement`

// shell reads statements from a terminal until it ends.
func (a *app) shell(ctx context.Context, s *statement.Session) error {
	ctx = context.WithoutCancel(ctx) // Ctrl-C stops a statement, not the shell
	d, err := s.Database(ctx)
	if err != nil {
		return err
	}
	a.progress.clear()
	fmt.Fprintf(a.out, "%s, %d tables. Statements end with a semicolon; help tells what there is.\n", d.Source, len(d.Snap.Tables))
	cooked, err := liner.TerminalMode()
	if err != nil {
		return fmt.Errorf("read the terminal's settings: %w", err)
	}
	l := liner.NewLiner()
	defer l.Close()
	raw, err := liner.TerminalMode()
	if err != nil {
		return fmt.Errorf("read the terminal's settings: %w", err)
	}
	l.SetCtrlCAborts(true)
	l.SetTabCompletionStyle(liner.TabPrints)
	entered := &entry{prompter: l}
	l.SetWordCompleter(func(line string, pos int) (string, []string, string) {
		d, err := s.Database(ctx)
		if err != nil {
			return line[:pos], nil, line[pos:]
		}
		return complete(d, entered.text.String(), line, pos)
	})
	keep := history(l)
	defer keep()
	defer endOnTerm(l)()
	for {
		text, err := entered.statement()
		switch {
		case errors.Is(err, io.EOF):
			fmt.Fprintln(a.out)
			return nil
		case errors.Is(err, liner.ErrPromptAborted):
			continue
		case err != nil:
			return fmt.Errorf("read a statement: %w", err)
		}
		if text == "" {
			continue
		}
		l.AppendHistory(oneLine(text))
		if err := cooked.ApplyMode(); err != nil {
			return err
		}
		goOn := a.entered(ctx, s, text)
		if err := raw.ApplyMode(); err != nil {
			return err
		}
		if !goOn {
			return nil
		}
	}
}

// entered does what was entered: a command of the shell, or statements. It is false where
// the shell is to end.
func (a *app) entered(ctx context.Context, s *statement.Session, text string) bool {
	word, rest, _ := strings.Cut(strings.Trim(strings.TrimSpace(text), "; "), " ")
	switch word = strings.ToLower(word); word {
	case "":
	case "quit", "exit", `\q`:
		return false
	case "help", `\?`, `\help`:
		fmt.Fprintln(a.out, shellHelp)
	case `\h`:
		fmt.Fprintln(a.out, syntaxOf(rest))
	case `\d`:
		a.one(ctx, s, "SHOW MAPPING "+rest)
	case `\instant`:
		s.Instant = !s.Instant
		fmt.Fprintln(a.out, map[bool]string{true: "a query without a trained task is answered at once, by what can be fitted in seconds", false: "a query needs a trained task"}[s.Instant])
	case `\i`:
		data, err := os.ReadFile(rest)
		if err != nil {
			report(a.err, usage("\\i reads a file of statements: \\i tasks.sql", "%v", err))
			break
		}
		a.one(ctx, s, string(data))
	default:
		if word[0] == '\\' {
			fmt.Fprintf(a.err, "there is no %s; \\? tells what there is\n", word)
			break
		}
		a.one(ctx, s, text)
	}
	return true
}

// endOnTerm gives the terminal back and ends the program when it is told to end: the
// workspace's writes are atomic, so that nothing has to be finished first.
func endOnTerm(l *liner.State) (stop func()) {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	go func() {
		if _, ok := <-told; ok {
			l.Close()
			os.Exit(exitInterrupted)
		}
	}()
	return func() {
		signal.Stop(told)
		close(told)
	}
}

// one runs what was entered; Ctrl-C stops it and nothing else.
func (a *app) one(ctx context.Context, s *statement.Session, text string) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	err := a.statements(ctx, s, text, true)
	a.progress.clear()
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		report(a.err, err)
	}
}

// prompter reads a line.
type prompter interface {
	Prompt(prompt string) (string, error)
}

// entry is what is being entered: lines up to one that ends a statement.
type entry struct {
	prompter
	text strings.Builder
}

// statement reads lines up to one that ends a statement, or a command of the shell.
func (e *entry) statement() (string, error) {
	e.text.Reset()
	for prompt := "rowlink> "; ; prompt = "      -> " {
		line, err := e.Prompt(prompt)
		if err != nil {
			return "", err
		}
		if e.text.Len() == 0 {
			word := strings.TrimSpace(line)
			if strings.HasPrefix(word, `\`) {
				return word, nil
			}
			switch lower := strings.ToLower(word); lower {
			case "quit", "exit", "help", "":
				return lower, nil
			}
		}
		e.text.WriteString(line + "\n")
		if text := e.text.String(); tql.Complete(text) {
			return text, nil
		}
	}
}

// oneLine is a statement as the history keeps it: printed from its syntax, which has no
// comments, so that joining lines hides nothing; as it was entered if it has a fault.
func oneLine(text string) string {
	script, err := tql.Parse(text)
	if err != nil || strings.ContainsAny(text, `$\`) {
		return strings.Join(strings.Fields(text), " ")
	}
	var parts []string
	for _, st := range script.Statements {
		parts = append(parts, st.String()+";")
	}
	return strings.Join(parts, " ")
}

// history loads what was entered earlier and returns what keeps it. It holds keys and
// constants, so only its owner may read it.
func history(l *liner.State) (keep func()) {
	home, err := os.UserHomeDir()
	if err != nil {
		return func() {}
	}
	path := filepath.Join(home, ".rowlink_history")
	if f, err := os.Open(path); err == nil {
		_, _ = l.ReadHistory(f) // without it the shell works as well
		f.Close()
	}
	return func() {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return
		}
		defer f.Close()
		_, _ = l.WriteHistory(f)
	}
}
