package rawsql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

// Check refuses a raw SQL task whose bodies could read past the censoring or fail.
func Check(ctx context.Context, db ingest.SQLSession, task *tasks.Task, sc *schema.Schema) error {
	return (&composer{task: task, sc: sc}).check(ctx, db)
}

// Labels runs the bodies of a task for ascending anchors and finds the entities in the
// snapshot. The one-body form runs once over all anchors and sees rows up to the end of
// the last window; with apart it runs once per anchor over the grid up to that anchor, and
// sees no row after the anchor's own window. The two-body form is always so.
func Labels(ctx context.Context, db ingest.SQLSession, task *tasks.Task, snap *ingest.Snapshot, anchors []int64, apart bool) (*tasks.Given, error) {
	c := &composer{task: task, sc: snap.Schema}
	r := &reader{composer: c, snap: snap, entity: snap.Tables[task.Entity], out: &tasks.Given{}}
	moments := make([]moment, len(anchors))
	for i, a := range anchors {
		moments[i] = moment{time.UnixMicro(a).UTC(), time.UnixMicro(task.Options.Closed(a, task.Horizon)).UTC()}
	}
	switch {
	case task.Raw.SQL == "":
		for i, m := range moments {
			s := c.perAnchor(m, false)
			res, err := db.Select(ctx, s.b.String(), s.args...)
			if err != nil {
				return nil, c.explain(err, s)
			}
			if err := r.read(res, anchors[i:i+1]); err != nil {
				return nil, err
			}
		}
	case apart:
		for i := range moments {
			if err := r.grid(ctx, db, moments[:i+1], anchors[i:i+1]); err != nil {
				return nil, err
			}
		}
	default:
		if err := r.grid(ctx, db, moments, anchors); err != nil {
			return nil, err
		}
	}
	return r.out, nil
}

// Entities runs the body ENTITIES of a task, with every table censored at an anchor, and
// finds the rows that it names in the snapshot; keys that it does not hold are left out.
func Entities(ctx context.Context, db ingest.SQLSession, task *tasks.Task, snap *ingest.Snapshot, anchor int64) ([]int32, error) {
	c := &composer{task: task, sc: snap.Schema}
	s := c.perAnchor(moment{anchor: time.UnixMicro(anchor).UTC()}, true)
	res, err := db.Select(ctx, s.b.String(), s.args...)
	if err != nil {
		return nil, c.explain(err, s)
	}
	return (&reader{composer: c, snap: snap, entity: snap.Tables[task.Entity]}).entities(res)
}

// entities finds the rows that a result of ENTITIES names.
func (r *reader) entities(res *ingest.SQLResult) ([]int32, error) {
	if err := r.columns(res.Columns, true); err != nil {
		return nil, err
	}
	at := map[string]int{}
	for i, name := range res.Columns {
		if _, twice := at[name]; !twice {
			at[name] = i
		}
	}
	out := []int32{}
	for _, row := range res.Rows {
		if slices.ContainsFunc(r.keys(), func(k string) bool { return row[at[k]] == nil }) {
			continue // such a row joins no label either
		}
		key, _, err := r.key(row, at)
		if err != nil {
			return nil, err
		}
		if n, found := r.entity.Find(key); found {
			out = append(out, n)
		}
	}
	return out, nil
}

// reader turns results into labels.
type reader struct {
	*composer
	snap   *ingest.Snapshot
	entity *ingest.Table
	out    *tasks.Given
	clock  func(any) (int64, bool) // reads an anchor; nil = it is a time
	items  map[any]int32           // of a ranking: rows by their value; made when it is first needed
	at     map[example]int         // of a ranking: places of the examples
}

// instant reads the anchor of a row.
func (r *reader) instant(v any) (int64, bool) {
	if r.clock != nil {
		return r.clock(v)
	}
	t, ok := v.(time.Time)
	return t.UnixMicro(), ok
}

// yes reads a condition, which SQLite gives as a number.
func yes(v any) bool {
	n, _ := v.(int64)
	b, _ := v.(bool)
	return b || n == 1
}

// grid runs the one body over some anchors and takes the labels of those that are wanted.
func (r *reader) grid(ctx context.Context, db ingest.SQLSession, grid []moment, wanted []int64) error {
	s := r.overGrid(grid)
	res, err := db.Select(ctx, s.b.String(), s.args...)
	if err != nil {
		return r.explain(err, s)
	}
	return r.read(res, wanted)
}

// example tells examples apart.
type example struct {
	row    int32
	anchor int64
}

// read takes the rows of one result.
func (r *reader) read(res *ingest.SQLResult, anchors []int64) error {
	at := map[string]int{}
	for i, name := range res.Columns {
		if _, twice := at[name]; !twice {
			at[name] = i
		}
	}
	if err := r.columns(res.Columns, false); err != nil {
		return err
	}
	wanted := map[int64]bool{}
	for _, a := range anchors {
		wanted[a] = true
	}
	seen := map[example]bool{}
	for i, row := range res.Rows {
		anchor := anchors[0]
		if j, ok := at["anchor"]; ok && r.task.Raw.SQL != "" {
			var ok bool
			if anchor, ok = r.instant(row[j]); !ok {
				return r.whole("TK182", "give it the anchor of grid", "column anchor holds %v, want an instant", row[j])
			}
			if !wanted[anchor] {
				if !r.onGrid(anchor, anchors) {
					return r.whole("TK184", "take the anchors of grid as they are", "the SQL gives the anchor %s, which is none of grid", when(anchor))
				}
				continue
			}
		}
		if i == 0 && r.task.Raw.SQL == "" {
			n, _ := row[at["entities"]].(int64)
			r.out.Pairs += int(n)
		}
		key, text, err := r.key(row, at)
		if err != nil {
			return err
		}
		if r.task.Raw.SQL == "" && !yes(row[at["is_entity"]]) {
			return r.whole("TK184", "join the relation entities", "LABEL gives a label for %s at %s, which ENTITIES does not name", text, when(anchor))
		}
		v := row[at["label"]]
		if v == nil {
			r.out.NullLabel++
			continue
		}
		n, found := r.entity.Find(key)
		if !found {
			r.out.Unknown++
			continue
		}
		if r.task.Ranking != nil {
			if err := r.rank(n, anchor, v); err != nil {
				return err
			}
			continue
		}
		if seen[example{n, anchor}] {
			return r.whole("TK184", "aggregate, so that each entity has one row per anchor", "the SQL gives entity %s twice at %s", text, when(anchor))
		}
		seen[example{n, anchor}] = true
		if err := r.label(n, anchor, v); err != nil {
			return err
		}
	}
	return nil
}

// onGrid reports whether an anchor that is not wanted now may still be one of the grid: in
// runs apart, the earlier ones come back too.
func (r *reader) onGrid(anchor int64, wanted []int64) bool {
	return len(wanted) == 1 && anchor < wanted[0]
}

func when(anchor int64) string { return time.UnixMicro(anchor).UTC().Format(time.DateTime) }

// whole is a fault of the last body.
func (r *reader) whole(code, hint, format string, args ...any) error {
	p := r.parts()[len(r.parts())-1]
	return r.fault(p.at, p.at+len(p.text), code, hint, format, args...)
}

// key reads the columns that name the entity.
func (r *reader) key(row []any, at map[string]int) (ingest.Key, string, error) {
	var key ingest.Key
	text := ""
	for i, name := range r.keys() {
		v := row[at[name]]
		if v == nil {
			return nil, "", r.whole("TK184", "leave rows without entity out: WHERE ... IS NOT NULL", "column %s holds NULL", name)
		}
		if i > 0 {
			text += ","
		}
		text += fmt.Sprint(v)
		col := r.entity.Def.Columns[r.entity.Def.Key[i]]
		key = append(key, part1(v, col.Kind))
	}
	return key, text, nil
}

// part1 brings a value to the kind of a key column where nothing is lost.
func part1(v any, kind schema.Kind) any {
	switch x := v.(type) {
	case float64:
		if kind == schema.Int && x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return int64(x)
		}
	case int64:
		switch kind {
		case schema.Float:
			return float64(x)
		case schema.Text:
			return strconv.FormatInt(x, 10)
		}
	}
	return v
}

// label takes one label in the form that the type of the task calls for.
func (r *reader) label(row int32, anchor int64, v any) error {
	number, isNumber := 0.0, true
	switch x := v.(type) {
	case bool:
		if x {
			number = 1
		}
	case int64:
		number = float64(x)
	case float64:
		number = x
	default:
		isNumber = false
	}
	switch {
	case r.task.Type == tasks.Multiclass:
		r.out.Class = append(r.out.Class, classText(v))
	case !isNumber:
		return r.whole("TK182", "give a number, or for a condition true or false", "the label of a %s task is %v", r.task.Type, v)
	case math.IsNaN(number):
		r.out.NullLabel++
		return nil
	case r.task.Type == tasks.Binary && number != 0 && number != 1:
		return r.whole("TK182", "give a condition, 0 or 1", "the label of a binary task is %v", v)
	}
	r.out.Entity, r.out.Anchor, r.out.Label = append(r.out.Entity, row), append(r.out.Anchor, anchor), append(r.out.Label, number)
	return nil
}

// rank takes what came true for one example: a list of keys of the ranked table, or one
// key, of which several rows of the result may give more.
func (r *reader) rank(row int32, anchor int64, v any) error {
	k := r.task.Ranking
	t := r.snap.Tables[k.Items]
	if r.items == nil {
		r.items, r.at = map[any]int32{}, map[example]int{}
		for i := range t.Rows {
			if v := t.Columns[k.Column].Value(i); v != nil {
				if _, again := r.items[v]; !again {
					r.items[v] = int32(i)
				}
			}
		}
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	i, ok := r.at[example{row, anchor}]
	if !ok {
		i = len(r.out.Entity)
		r.at[example{row, anchor}] = i
		r.out.Entity, r.out.Anchor, r.out.Label, r.out.Items = append(r.out.Entity, row), append(r.out.Anchor, anchor), append(r.out.Label, 0), append(r.out.Items, nil)
	}
	for _, v := range list {
		if v == nil {
			continue
		}
		switch v.(type) {
		case int64, float64, string, bool, time.Time:
		default:
			return r.whole("TK182", "give keys of "+t.Def.Name, "the label holds %v", v)
		}
		if item, found := r.items[part1(v, t.Def.Columns[k.Column].Kind)]; found {
			r.out.Items[i] = append(r.out.Items[i], item)
		} else {
			r.out.Unknown++
		}
	}
	return nil
}

// classText is the name of a class.
func classText(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

// Fingerprint tells what a task's labels depend on beside the data: its statements with
// their shadows, its type and its zone.
func Fingerprint(task *tasks.Task, sc *schema.Schema) string {
	c := &composer{task: task, sc: sc}
	h := sha256.New()
	m := moment{time.Unix(0, 0), time.Unix(0, 0)}
	s := c.overGrid([]moment{m})
	if task.Raw.SQL == "" {
		s = c.perAnchor(m, false)
	}
	fmt.Fprintf(h, "%s\n%s\n%s\n%s", s.b.String(), task.Type, task.Options.Zone, task.Horizon)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Lowered runs the SELECT that [tql.SQL] gives for a task and returns its labels by split.
func Lowered(ctx context.Context, db ingest.SQLSession, task *tasks.Task, snap *ingest.Snapshot) ([3]*tasks.Given, error) {
	var out [3]*tasks.Given
	grid, err := task.Grid()
	if err != nil {
		return out, err
	}
	text, err := tql.SQL(task, snap.Schema, grid)
	if err != nil {
		return out, err
	}
	res, err := db.Select(ctx, text)
	if err != nil {
		return out, err
	}
	c := &composer{task: task, sc: snap.Schema}
	keys := c.keys()
	at := map[string]int{}
	for i, name := range res.Columns {
		at[name] = i
	}
	var readers [3]*reader
	for s := range out {
		out[s] = &tasks.Given{}
		readers[s] = &reader{composer: c, snap: snap, entity: snap.Tables[task.Entity], out: out[s]}
	}
	split := map[string]int{tasks.Train.String(): 0, tasks.Val.String(): 1, tasks.Test.String(): 2}
	for _, row := range res.Rows {
		name, _ := row[at["split"]].(string)
		s, known := split[name]
		anchor, isTime := row[at["anchor"]].(time.Time)
		if !known || !isTime {
			return out, fmt.Errorf("the lowered SELECT gave split %v and anchor %v", row[at["split"]], row[at["anchor"]])
		}
		r := readers[s]
		var key ingest.Key
		for i, k := range keys {
			key = append(key, part1(row[at[k]], r.entity.Def.Columns[r.entity.Def.Key[i]].Kind))
		}
		n, found := r.entity.Find(key)
		if !found {
			r.out.Unknown++
			continue
		}
		if task.Ranking != nil {
			err = r.rank(n, anchor.UnixMicro(), row[at["label"]])
		} else {
			err = r.lowered(n, anchor.UnixMicro(), row[at["label"]])
		}
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// lowered takes a label of the lowered SELECT, whose types are known.
func (r *reader) lowered(row int32, anchor int64, v any) error {
	number := 0.0
	switch x := v.(type) {
	case bool:
		if x {
			number = 1
		}
	case int64:
		number = float64(x)
	case float64:
		number = x
	case string:
	case []any:
		series, set := tasks.LabelList(x)
		if r.task.Forecast != nil {
			r.out.Series, number = append(r.out.Series, series), series[0]
		} else {
			r.out.Class = append(r.out.Class, set)
		}
	default:
		return fmt.Errorf("the lowered SELECT gave the label %v", v)
	}
	if r.task.Type == tasks.Multiclass {
		r.out.Class = append(r.out.Class, classText(v))
	}
	r.out.Entity, r.out.Anchor, r.out.Label = append(r.out.Entity, row), append(r.out.Anchor, anchor), append(r.out.Label, number)
	return nil
}
