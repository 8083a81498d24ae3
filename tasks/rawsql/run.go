package rawsql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
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
	r := &reader{composer: c, entity: snap.Tables[task.Entity], out: &tasks.Given{}}
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

// reader turns results into labels.
type reader struct {
	*composer
	entity *ingest.Table
	out    *tasks.Given
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
			t, ok := row[j].(time.Time)
			if !ok {
				return r.whole("TK182", "give it the anchor of grid", "column anchor holds %v, want an instant", row[j])
			}
			if anchor = t.UnixMicro(); !wanted[anchor] {
				if !r.onGrid(anchor, anchors) {
					return r.whole("TK184", "take the anchors of grid as they are", "the SQL gives the anchor %s, which is none of grid", t.UTC().Format(time.DateTime))
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
		if known, ok := row[at["is_entity"]].(bool); r.task.Raw.SQL == "" && (!ok || !known) {
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
