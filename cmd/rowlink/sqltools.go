package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/statement"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
	"github.com/rowlink/rowlink/workspace"
)

// sqlTools does the work of statements with the functions of the subcommands.
type sqlTools struct{ *app }

var _ statement.Tools = sqlTools{}

// Open implements [statement.Tools].
func (t sqlTools) Open(ctx context.Context) (*rowlink.Database, error) { return t.open(ctx, false) }

// Explain implements [statement.Tools].
func (t sqlTools) Explain(ctx context.Context, d *rowlink.Database, task *tasks.Task, analyze bool) (*statement.Answer, error) {
	if analyze {
		e, err := explained(ctx, d, task, t.threads)
		if err != nil {
			return nil, err
		}
		return &statement.Answer{Value: e, Text: e.text}, nil
	}
	plan := map[string]any{"task": task.Name, "type": task.Type, "hash": task.Hash, "reading": task.Reading, "warnings": append([]string{}, task.Warnings...)}
	l, err := lower(d.Snap.Schema, task)
	text := tql.Explain(task, d.Snap.Schema)
	if grid, err := task.Grid(); err == nil && !task.Static() {
		anchors := len(grid.Anchors[0]) + len(grid.Anchors[1]) + len(grid.Anchors[2])
		rows := d.Snap.Tables[task.Entity].Rows
		plan["anchors"], plan["pairs"] = anchors, anchors*rows
		text += fmt.Sprintf("rows      at most %s pairs: %s rows of %s at %s anchors\n", tasks.Grouped(anchors*rows), tasks.Grouped(rows), d.Snap.Schema.Tables[task.Entity].Name, tasks.Grouped(anchors))
	}
	plan["plan"] = text
	if err == nil {
		plan["sql"] = l.SQL
		text += "sql       the label table, for PostgreSQL:\n" + strings.TrimRight(l.SQL, "\n") + ";\n"
	}
	return &statement.Answer{Value: plan, Text: func(w io.Writer) error {
		_, err := fmt.Fprintln(w, strings.TrimRight(text, "\n"))
		return err
	}}, nil
}

// Labels implements [statement.Tools].
func (t sqlTools) Labels(ctx context.Context, d *rowlink.Database, task *tasks.Task, want statement.Labels) (*statement.Answer, error) {
	labels, err := tasks.Label(ctx, d.Snap, task, t.threads)
	if err != nil {
		return nil, err
	}
	left := want.Limit
	shown := make([]bool, len(labels.Label))
	for i := range shown {
		shown[i] = left != 0 && (want.Split == "" || labels.Split[i].String() == want.Split) && (want.At == nil || labels.Anchor[i] == *want.At)
		if shown[i] {
			left--
		}
	}
	out := newLabelOutput(labels, d.Snap, func(i int) bool { return shown[i] })
	a := &statement.Answer{Value: out.json(), Text: func(w io.Writer) error {
		if err := out.text(w); err != nil {
			return err
		}
		fmt.Fprintln(w)
		return labels.Report.Text(w, task)
	}}
	if want.At != nil && !slices.Contains(labels.Anchor, *want.At) {
		a.Notes = append(a.Notes, fmt.Sprintf("no example has the anchor %s; EXPLAIN TASK %s tells the grid", instant(*want.At), tql.Quote(task.Name)))
	}
	return a, nil
}

// LabelSQL implements [statement.Tools].
func (t sqlTools) LabelSQL(d *rowlink.Database, task *tasks.Task) (*statement.Answer, error) {
	if task.Raw != nil {
		return nil, usage("SHOW TASK "+tql.Quote(task.Name)+" prints it", "the labels of task %s are written in SQL already", task.Name)
	}
	l, err := lower(d.Snap.Schema, task)
	if err != nil {
		return nil, usageError{err}
	}
	return &statement.Answer{Value: l, Text: l.text}, nil
}

// Train implements [statement.Tools].
func (t sqlTools) Train(ctx context.Context, d *rowlink.Database, text string, options []statement.Option) (*statement.Answer, error) {
	var f trainFlags
	flags := pflag.NewFlagSet("TRAIN", pflag.ContinueOnError)
	f.register(flags)
	if err := setOptions(flags, options, "explain-plan"); err != nil {
		return nil, err
	}
	if err := f.check(flags.Changed); err != nil {
		return nil, inOptions(err, options)
	}
	task, err := d.Task(text)
	if err != nil {
		return nil, err
	}
	ask := "PREDICT TASK " + tql.Quote(task.Name)
	if task.Ranking != nil {
		fitted, out, err := t.fitRanking(ctx, d, text, f)
		if err != nil {
			return nil, err
		}
		return &statement.Answer{Value: out, Text: out.Text}, t.announce(d.Workspace, fitted.Task, fitted.Labels, out.Version, ask)
	}
	fitted, version, err := t.train(ctx, d, text, f)
	if err != nil {
		return nil, err
	}
	a := &statement.Answer{Value: newTrainOutput(fitted.Report, version), Text: fitted.Report.Text}
	return a, t.announce(d.Workspace, fitted.Task, fitted.Labels, version, ask)
}

// Evaluate implements [statement.Tools].
func (t sqlTools) Evaluate(ctx context.Context, d *rowlink.Database, version *workspace.Model, options []statement.Option) (*statement.Answer, error) {
	if rowlink.Ranks(version) {
		return t.evaluateRanking(ctx, d, version, options)
	}
	regimes := []string{""}
	rest := slices.DeleteFunc(slices.Clone(options), func(o statement.Option) bool {
		both := o.Name == "regime" && o.Value == "both"
		if both {
			regimes = []string{tasks.Rolling.String(), tasks.Frozen.String()}
		}
		return both
	})
	var parts []*evaluation
	for _, regime := range regimes {
		var f evaluateFlags
		cmd := &cobra.Command{}
		f.registerEvaluate(cmd)
		if err := setOptions(cmd.Flags(), rest); err != nil {
			return nil, err
		}
		if regime != "" {
			f.regime = regime
		}
		e, err := f.evaluation()
		if err != nil {
			return nil, inOptions(err, options)
		}
		if version, err = chosen(d, version, f.storedFlags); err != nil {
			return nil, err
		}
		if e.storedModel, err = loadVersion(ctx, d, version, f.storedFlags); err != nil {
			return nil, err
		}
		if err := e.compute(ctx, t.app, f.at); err != nil {
			return nil, err
		}
		parts = append(parts, e)
	}
	if len(parts) == 1 {
		return &statement.Answer{Value: parts[0].document(), Text: parts[0].text}, nil
	}
	var both []any
	for _, e := range parts {
		both = append(both, e.document())
	}
	return &statement.Answer{Value: both, Text: func(w io.Writer) error {
		for i, e := range parts {
			if i > 0 {
				fmt.Fprintln(w)
			}
			if err := e.text(w); err != nil {
				return err
			}
		}
		return nil
	}}, nil
}

// evaluateRanking is Evaluate for a version of a link prediction task.
func (t sqlTools) evaluateRanking(ctx context.Context, d *rowlink.Database, version *workspace.Model, options []statement.Option) (*statement.Answer, error) {
	var f evaluateFlags
	cmd := &cobra.Command{}
	f.registerEvaluate(cmd)
	if err := setOptions(cmd.Flags(), options); err != nil {
		return nil, err
	}
	e, err := f.evaluation()
	if err == nil {
		version, err = chosen(d, version, f.storedFlags)
	}
	if err != nil {
		return nil, inOptions(err, options)
	}
	m, err := loadRanking(ctx, d, version, f.storedFlags)
	if err != nil {
		return nil, err
	}
	out, err := t.rankingScores(ctx, m, e, f.at)
	if err != nil {
		return nil, inOptions(err, options)
	}
	return &statement.Answer{Value: out, Text: out.text}, nil
}

// chosen is the version that the options name, else the one that was found.
func chosen(d *rowlink.Database, version *workspace.Model, f storedFlags) (*workspace.Model, error) {
	if f.ref() == "" {
		return version, nil
	}
	return d.Workspace.Model(version.Task, f.ref())
}

// Predict implements [statement.Tools].
func (t sqlTools) Predict(ctx context.Context, d *rowlink.Database, version *workspace.Model, ask statement.Ask) (*statement.Answer, error) {
	var f predictFlags
	cmd := &cobra.Command{}
	f.registerPredict(cmd)
	if err := setOptions(cmd.Flags(), ask.Options, "key", "keys", "all", "at", "out"); err != nil {
		return nil, err
	}
	f.at, f.all = ask.At, ask.Keys == nil
	if !f.all {
		f.keys = []string{""} // check asks whether there are any; those of the statement are used
	}
	err := f.check(cmd.Flags().Changed)
	if err == nil {
		version, err = chosen(d, version, f.storedFlags)
	}
	if err != nil {
		return nil, inOptions(err, ask.Options)
	}
	parts := func(p *predictions) ([]askedKey, error) { return askedParts(p, ask.Keys) }
	if rowlink.Ranks(version) {
		m, err := loadRanking(ctx, d, version, f.storedFlags)
		if err != nil {
			return nil, err
		}
		r, err := t.rankings(ctx, m, f, parts)
		if err != nil {
			return nil, inOptions(err, ask.Options)
		}
		return r.answered(), nil
	}
	m, err := loadVersion(ctx, d, version, f.storedFlags)
	if err != nil {
		return nil, err
	}
	p, err := t.predictions(ctx, m, f, parts)
	if err != nil {
		return nil, err
	}
	return p.answered(), nil
}

// askedParts are keys given by their parts.
func askedParts(p *predictions, keys [][]string) ([]askedKey, error) {
	var out []askedKey
	want := len(p.entity.Def.Key)
	for _, parts := range keys {
		if len(parts) != want {
			example := "FOR 42"
			if want > 1 {
				example = "FOR ((" + strings.Join(p.entity.Def.Names(p.entity.Def.Key), ", ") + "))"
			}
			return nil, usage("a key has one part for each of "+strings.Join(p.entity.Def.Names(p.entity.Def.Key), ", ")+": write "+example,
				"TK163: key %s has %d parts, want %d", strings.Join(parts, ","), len(parts), want)
		}
		out = append(out, askedKey{strings.Join(parts, ","), parts})
	}
	return out, nil
}

// answered is the answer with the keys that have none.
func (p *predictions) answered() *statement.Answer {
	a := &statement.Answer{Value: p.document(""), Text: func(w io.Writer) error {
		if err := p.text(w); err != nil {
			return err
		}
		if len(p.list)+len(p.faults) == 0 {
			fmt.Fprintf(w, "no row of %s is eligible at %s\n", p.entity.Def.Name, instant(p.anchor))
		}
		if len(p.list) > 0 || len(p.faults) == 0 {
			fmt.Fprintln(w)
		}
		if p.fitted != nil {
			_, err := io.WriteString(w, p.fitted.text())
			return err
		}
		_, err := fmt.Fprintf(w, "%s, anchor %s, data until %s\n", p.from.title(p.Task.Type), instant(p.anchor), instant(p.DataUntil))
		return err
	}}
	for _, f := range p.faults {
		a.Notes = append(a.Notes, f.Code+": "+f.Detail)
	}
	if len(p.list) == 0 && len(p.faults) > 0 {
		a.Incomplete = usageError{silentError{errors.New("no key could be answered")}}
	}
	return a
}

// Instant implements [statement.Tools].
func (t sqlTools) Instant(ctx context.Context, d *rowlink.Database, text string) (*statement.Answer, error) {
	p, _, err := t.instant(ctx, d, text, queryFlags{})
	if err != nil {
		return nil, err
	}
	return p.answered(), nil
}

// Models implements [statement.Tools].
func (t sqlTools) Models(w *workspace.Workspace, task string) (*statement.Answer, error) {
	var args []string
	if task != "" {
		args = []string{task}
	}
	list, err := listVersions(w, args)
	if err != nil {
		return nil, err
	}
	return &statement.Answer{Value: list, Text: func(out io.Writer) error { return versionsText(out, w, list) }}, nil
}

// setOptions sets the flags that WITH (...) names; some flags have no place there.
func setOptions(flags *pflag.FlagSet, options []statement.Option, without ...string) error {
	var known []string
	flags.VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(without, f.Name) {
			known = append(known, strings.ReplaceAll(f.Name, "-", "_"))
		}
	})
	for _, o := range options {
		if !slices.Contains(known, o.Name) {
			hint := "options: " + strings.Join(known, ", ")
			if near := schema.Nearest(o.Name, known); near != "" {
				hint = "did you mean " + near + "? " + hint
			}
			return o.Fault(true, hint, "there is no option %q here", o.Name)
		}
		if err := flags.Set(strings.ReplaceAll(o.Name, "_", "-"), o.Value); err != nil {
			flag := flags.Lookup(strings.ReplaceAll(o.Name, "_", "-"))
			return o.Fault(false, o.Name+": "+flag.Usage, "%s is %q, want %s", o.Name, o.Value, kindOfFlag(flag.Value.Type()))
		}
	}
	return nil
}

// kindOfFlag names what a flag takes.
func kindOfFlag(kind string) string {
	if name, ok := map[string]string{"int": "a whole number", "uint64": "a whole number, not negative", "float64": "a number", "bool": "true or false", "duration": "a time such as '90s' or '5m'",
		"intSlice": "whole numbers: (32, 16)"}[kind]; ok {
		return name
	}
	return "a value of type " + kind
}

// inOptions places a fault that names a flag at the option of that name.
func inOptions(err error, options []statement.Option) error {
	for _, o := range options {
		flag := "--" + strings.ReplaceAll(o.Name, "_", "-")
		message, hint := err.Error(), hintOf(err)
		if strings.Contains(message, flag+" ") || strings.Contains(message, flag+":") {
			message = strings.Replace(message, " ("+hint+")", "", 1)
			return o.Fault(false, strings.ReplaceAll(hint, flag, o.Name+" ="), "%s", strings.ReplaceAll(message, flag, o.Name))
		}
	}
	return err
}
