package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/statement"
	"github.com/rowlink/rowlink/tabular/recommend"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// trainRanking fits a link prediction task, stores the version and prints.
func (a *app) trainRanking(ctx context.Context, d *rowlink.Database, text string, f trainFlags) error {
	fitted, out, err := a.fitRanking(ctx, d, text, f)
	if err != nil {
		return err
	}
	if err := a.print(out, out.Text); err != nil {
		return err
	}
	return a.announce(d.Workspace, fitted.Task, fitted.Labels, out.Version, "rowlink predict "+fitted.Task.Name+" --all")
}

// fitRanking fits a link prediction task and stores the version.
func (a *app) fitRanking(ctx context.Context, d *rowlink.Database, text string, f trainFlags) (*rowlink.FittedRanking, rankingOutput, error) {
	a.say("labelling, then rules and boosted trees over pairs")
	fitted, err := d.FitRanking(ctx, text, f.opt.Regime)
	if err != nil {
		return nil, rankingOutput{}, err
	}
	fitted.Job = f.opt.Job
	version, err := fitted.Save(d.Workspace)
	return fitted, rankingOutput{fitted.Report, version}, err
}

// rankingOutput is what train prints with --json for a link prediction task.
type rankingOutput struct {
	*rowlink.RankingReport
	Version int `json:"version"`
}

// storedRanking is a version of a link prediction task over the database. Close the database.
type storedRanking struct {
	*rowlink.LoadedRanking
	db    *rowlink.Database
	alias string
}

// ranking opens the chosen version of TASK if that is one of a link prediction task; nil
// where it is of another type or there is none, which [app.stored] then says.
func (a *app) ranking(ctx context.Context, arg string, flags storedFlags) (*storedRanking, error) {
	name, _, err := a.taskName(arg)
	if err != nil {
		return nil, nil
	}
	w, err := workspace.Open(a.workspace)
	if err != nil {
		return nil, nil
	}
	version, err := w.Model(name, flags.ref())
	if err != nil || !rowlink.Ranks(version) {
		return nil, nil
	}
	if flags.model != "" {
		return nil, usage("leave it out: a version of a link prediction task stores what it serves", "--model %s: task %s ranks", flags.model, name)
	}
	d, err := a.open(ctx, false)
	if err != nil {
		return nil, err
	}
	m, err := loadRanking(ctx, d, version, flags)
	if err != nil {
		d.Close()
		return nil, err
	}
	return m, nil
}

// loadRanking binds a version of a link prediction task to an open database.
func loadRanking(ctx context.Context, d *rowlink.Database, version *workspace.Model, flags storedFlags) (*storedRanking, error) {
	m := &storedRanking{db: d, alias: flags.alias}
	if flags.ref() == "" {
		m.alias = workspace.Prod
	}
	var err error
	m.LoadedRanking, err = d.LoadRanking(ctx, version.Task, fmt.Sprint(version.Version))
	return m, err
}

// rankings are the answers of one command.
type rankings struct {
	*predictions
	items *ingest.Table
	list  []ranked
}

// ranked is the answer for one row.
type ranked struct {
	row      int32
	eligible bool
	items    []recommend.Item
}

// rank answers and prints.
func (a *app) rank(ctx context.Context, m *storedRanking, f predictFlags) error {
	if f.out != "" && filepath.Ext(f.out) != ".csv" {
		return usage("", "--out %s: rankings are written to .csv files", f.out)
	}
	r, err := a.rankings(ctx, m, f, func(p *predictions) ([]askedKey, error) { return a.askedKeys(p, f) })
	if err != nil {
		return err
	}
	return a.showRankings(r, f)
}

// rankings answers for all who are eligible, or for the asked keys.
func (a *app) rankings(ctx context.Context, m *storedRanking, f predictFlags, keys func(*predictions) ([]askedKey, error)) (*rankings, error) {
	switch {
	case f.explain > 0:
		return nil, usage("leave it out", "--explain: task %s ranks, and rankings come without reasons", m.Task.Name)
	case f.interval > 0:
		return nil, usage("leave it out", "--interval: task %s ranks, and rankings have no interval", m.Task.Name)
	}
	p := &predictions{Predictor: m.Predictor, from: origin{m.Version.Task, m.Version.Version, m.alias, m.Report.Served}, entity: m.Snap.Tables[m.Task.Entity]}
	if err := p.setAnchor(f.at); err != nil {
		return nil, err
	}
	p.remark(0)
	for _, w := range p.warnings {
		a.warn("%s", w)
	}
	asked, err := keys(p)
	if err != nil {
		return nil, err
	}
	r := &rankings{predictions: p, items: m.Snap.Tables[m.Task.Ranking.Items]}
	rows, err := p.chosen(ctx, asked, f.all, f.where)
	if err != nil {
		return nil, err
	}
	eligible, err := tasks.Eligible(ctx, m.Snap, m.Task, rows, p.anchor)
	if err != nil {
		return nil, err
	}
	lists, err := m.Rank(ctx, rows, p.anchor, m.Task.Ranking.Top)
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		r.list = append(r.list, ranked{row, eligible[i], lists[i]})
	}
	return r, nil
}

// answered is the answer of a statement, with the keys that have none.
func (r *rankings) answered() *statement.Answer {
	a := &statement.Answer{Value: r.document(), Text: func(w io.Writer) error {
		if err := r.text(w); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w, "\n%s, anchor %s, data until %s\n", r.from.title(r.Task.Type), instant(r.anchor), instant(r.DataUntil))
		return err
	}}
	for _, f := range r.faults {
		a.Notes = append(a.Notes, f.Code+": "+f.Detail)
	}
	if len(r.list) == 0 && len(r.faults) > 0 {
		a.Incomplete = usageError{silentError{errors.New("no key could be answered")}}
	}
	return a
}

func (a *app) showRankings(r *rankings, f predictFlags) error {
	a.say("%s, data until %s", r.from.title(r.Task.Type), instant(r.DataUntil))
	for _, e := range r.faults {
		fmt.Fprintf(a.err, "%s: %s\n", e.Code, e.Detail)
	}
	none := len(r.list) == 0 && len(r.faults) > 0
	if f.out != "" && !none {
		if err := workspace.WriteStream(f.out, r.csv); err != nil {
			return err
		}
		a.say("wrote the rankings of %d rows to %s", len(r.list), f.out)
	}
	if f.out == "" || none || a.json {
		if err := a.print(r.document(), r.text); err != nil {
			return err
		}
	}
	if none {
		return usageError{silentError{errors.New("no key could be answered")}}
	}
	return nil
}

func (r *rankings) text(w io.Writer) error {
	if len(r.list) == 0 {
		return nil
	}
	rows := []string{strings.Join(r.entity.Def.Names(r.entity.Def.Key), ",") + "\tanchor\trank\t" + r.items.Def.Name + "\tscore\teligible"}
	for _, one := range r.list {
		for k, item := range one.items {
			rows = append(rows, fmt.Sprintf("%s\t%s\t%d\t%s\t%.4g\t%t", r.entity.KeyText(one.row), instant(r.anchor), k+1, r.items.KeyText(item.Row), item.Score, one.eligible))
		}
		if len(one.items) == 0 {
			rows = append(rows, fmt.Sprintf("%s\t%s\t-\t-\t-\t%t", r.entity.KeyText(one.row), instant(r.anchor), one.eligible))
		}
	}
	return table(w, rows...)
}

// csv prints one line per row and item: key columns, anchor, rank, the item's key, score, eligible.
func (r *rankings) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	header := append(r.entity.Def.Names(r.entity.Def.Key), "anchor", "rank")
	for _, c := range r.items.Def.Names(r.items.Def.Key) {
		header = append(header, "item_"+c)
	}
	if err := out.Write(append(header, "score", "eligible")); err != nil {
		return err
	}
	anchor := time.UnixMicro(r.anchor).UTC().Format(time.DateTime)
	for _, one := range r.list {
		for k, item := range one.items {
			line := append(append(keyCells(r.entity, one.row), anchor, strconv.Itoa(k+1)), keyCells(r.items, item.Row)...)
			if err := out.Write(append(line, exactText(item.Score), strconv.FormatBool(one.eligible))); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// rankedJSON is the answer for one row in JSON.
type rankedJSON struct {
	Entity   any        `json:"entity"`
	Eligible bool       `json:"eligible"`
	Items    []itemJSON `json:"items"`
}

type itemJSON struct {
	Rank  int     `json:"rank"`
	Item  any     `json:"item"`
	Score float64 `json:"score"`
}

func (r *rankings) document() any {
	list := []rankedJSON{}
	for _, one := range r.list {
		j := rankedJSON{Entity: keyJSON(r.entity, one.row), Eligible: one.eligible, Items: []itemJSON{}}
		for k, item := range one.items {
			j.Items = append(j.Items, itemJSON{k + 1, keyJSON(r.items, item.Row), item.Score})
		}
		list = append(list, j)
	}
	faults := r.faults
	if faults == nil {
		faults = []*keyFault{}
	}
	return map[string]any{"task": r.from.task, "type": r.Task.Type, "entity_table": r.entity.Def.Name, "item_table": r.items.Def.Name, "version": r.from.version, "served": r.from.served,
		"anchor": instantJSON(r.anchor), "data_until": instantJSON(r.DataUntil), "answered": len(list), "predictions": list, "errors": faults}
}

// evaluateRanking scores a stored version on the splits of the present snapshot, and prints.
func (a *app) evaluateRanking(ctx context.Context, m *storedRanking, e *evaluation, at []string) error {
	out, err := a.rankingScores(ctx, m, e, at)
	if err != nil {
		return err
	}
	a.say("task %s, version %d by %q, lists cut at %d; the stored trees learned from the validation examples too", out.Task, out.Version, out.Served, out.Top)
	return a.print(out, out.text)
}

// rankingScores are the scores of a stored version by split.
type rankingScores struct {
	Task    string        `json:"task"`
	Version int           `json:"version"`
	Served  string        `json:"served"`
	Top     int           `json:"top"`
	Parts   []rankingPart `json:"parts"`
}

type rankingPart struct {
	Split    string         `json:"split"`
	Examples int            `json:"examples"`
	Metrics  rowlink.Scores `json:"metrics"`
}

func (a *app) rankingScores(ctx context.Context, m *storedRanking, e *evaluation, at []string) (*rankingScores, error) {
	if len(at) > 0 {
		return nil, usage("leave it out, and take --split", "--at: a link prediction task is evaluated at the anchors of its training")
	}
	if e.regime != nil {
		m.Task.Options.Regime, m.Task.Options.ValRegime = *e.regime, *e.regime
	}
	labels, err := tasks.Label(ctx, m.Snap, m.Task, a.threads)
	if err != nil {
		return nil, err
	}
	out := &rankingScores{Task: m.Version.Task, Version: m.Version.Version, Served: m.Report.Served, Top: m.Task.Ranking.Top}
	for _, s := range e.splits {
		scores, err := m.Evaluate(ctx, labels, s)
		if err != nil {
			return nil, err
		}
		out.Parts = append(out.Parts, rankingPart{s.String(), len(labels.Rows(s)), scores})
	}
	return out, nil
}

func (r *rankingScores) text(w io.Writer) error {
	rows := []string{"split\texamples\t" + strings.Join(tasks.RankingMetricNames(), "\t")}
	for _, p := range r.Parts {
		line := fmt.Sprintf("%s\t%d", p.Split, p.Examples)
		for _, name := range tasks.RankingMetricNames() {
			line += fmt.Sprintf("\t%.4f", p.Metrics[name])
		}
		rows = append(rows, line)
	}
	return table(w, rows...)
}
