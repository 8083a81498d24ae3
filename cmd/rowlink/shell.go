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

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/statement"
	"github.com/rowlink/rowlink/tasks/tql"
)

const shellHelp = `Statements end with a semicolon and may span lines; Tab completes words, tables and columns.
  SHOW MAPPING [table];                     what the tables and columns mean
  ALTER TABLE t SET TIME column;            correct it (in mapping.yaml; the database is only read)
  EXPLAIN [ANALYZE] PREDICT ... ;           how a question is understood, and how its labels come out
  CREATE TASK name AS PREDICT ... ;         SHOW TASKS; SHOW TASK name; DROP TASK name;
  SHOW LABELS name LIMIT 10;                SHOW LABELS name SQL;
  TRAIN name [WITH (epochs = 5)];           SHOW MODELS; SHOW MODEL name;
  EVALUATE name;                            beside the simple baselines
  PREDICT TASK name FOR (1, 2);             or a plain PREDICT query
  quit                                      also Ctrl-D; Ctrl-C stops a statement`

// shell reads statements from a terminal until it ends.
func (a *app) shell(ctx context.Context, s *statement.Session) error {
	ctx = context.WithoutCancel(ctx) // Ctrl-C stops a statement, not the shell
	d, err := s.Database(ctx)
	if err != nil {
		return err
	}
	a.progress.clear()
	fmt.Fprintf(a.out, "%s, %d tables. Statements end with ; help tells what there is.\n", d.Source, len(d.Snap.Tables))
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
	l.SetWordCompleter(func(line string, pos int) (string, []string, string) {
		d, err := s.Database(ctx)
		if err != nil {
			return line[:pos], nil, line[pos:]
		}
		return complete(d, line, pos)
	})
	keep := history(l)
	defer keep()
	defer endOnTerm(l)()
	for {
		text, err := readStatement(l)
		switch {
		case errors.Is(err, io.EOF):
			fmt.Fprintln(a.out)
			return nil
		case errors.Is(err, liner.ErrPromptAborted):
			continue
		case err != nil:
			return fmt.Errorf("read a statement: %w", err)
		}
		switch strings.ToLower(strings.Trim(strings.TrimSpace(text), ";")) {
		case "":
			continue
		case "quit", "exit", `\q`:
			return nil
		case "help", `\?`, `\h`:
			fmt.Fprintln(a.out, shellHelp)
			continue
		}
		l.AppendHistory(oneLine(text))
		if err := cooked.ApplyMode(); err != nil {
			return err
		}
		a.one(ctx, s, text)
		if err := raw.ApplyMode(); err != nil {
			return err
		}
	}
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
	err := a.statements(ctx, s, text)
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

// readStatement reads lines up to one that ends a statement, or a word of the shell.
func readStatement(l prompter) (string, error) {
	var text strings.Builder
	for prompt := "rowlink> "; ; prompt = "      -> " {
		line, err := l.Prompt(prompt)
		if err != nil {
			return "", err
		}
		if text.Len() == 0 {
			switch word := strings.ToLower(strings.TrimSpace(line)); word {
			case "quit", "exit", "help", `\q`, `\?`, `\h`, "":
				return word, nil
			}
		}
		text.WriteString(line + "\n")
		if tql.Complete(text.String()) {
			return text.String(), nil
		}
	}
}

// oneLine is a statement as the history keeps it: printed from its syntax, which has no
// comments, so that joining lines hides nothing; as it was entered if it has a fault.
func oneLine(text string) string {
	script, err := tql.Parse(text)
	if err != nil || strings.Contains(text, "$") {
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

// complete proposes how the word before pos may go on: a column after "table.", else a
// keyword, table, column or task. Keywords follow the case of what is written.
func complete(d *rowlink.Database, line string, pos int) (head string, list []string, tail string) {
	at := strings.LastIndexFunc(line[:pos], func(r rune) bool {
		return r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r < 0x80
	}) + 1
	head, word := line[:at], line[at:pos]
	if dot := strings.LastIndexByte(word, '.'); dot >= 0 {
		table := word[:dot]
		for _, t := range d.Snap.Schema.Tables {
			if strings.EqualFold(t.Name, table) || strings.EqualFold(t.FullName(), table) {
				for _, c := range t.Columns {
					list = appendMatch(list, tql.Quote(c.Name), word[dot+1:])
				}
				list = appendMatch(list, "*", word[dot+1:])
			}
		}
		return head + word[:dot+1], list, line[pos:]
	}
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			list = appendMatch(list, name, word)
		}
	}
	for _, t := range d.Snap.Schema.Tables {
		add(tql.Quote(t.Name))
	}
	names, _ := d.Workspace.Tasks()
	for _, n := range names {
		add(tql.Quote(n))
	}
	for _, t := range d.Snap.Schema.Tables {
		for _, c := range t.Columns {
			add(tql.Quote(c.Name))
		}
	}
	for _, k := range tql.Keywords() {
		if word != "" && word == strings.ToLower(word) {
			k = strings.ToLower(k)
		}
		add(k)
	}
	return head, list, line[pos:]
}

// appendMatch adds a name that begins with what is written.
func appendMatch(list []string, name, written string) []string {
	if len(name) >= len(written) && strings.EqualFold(name[:len(written)], written) {
		return append(list, name)
	}
	return list
}
