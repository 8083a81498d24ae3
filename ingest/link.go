package ingest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/schema"
)

// Derive returns a snapshot that shares the columns of s and has schema sc: the same
// tables and columns, perhaps with other keys, links and times (a mapping applied).
// Foreign keys are resolved to Parents, those without a row counted in Dangling, and
// row times computed. Links that s has resolved already are shared too. The order
// of rows, and so the ID, stays.
//
// A link matches as SQL's MATCH SIMPLE does: a NULL in any of its columns means no
// parent. Integers match numbers of other width, text that spells them, and
// char(n) matches without its padding. Errors are mistakes of the mapping: keys and
// link targets whose values are not unique, kinds that cannot be compared, time
// columns that hold no time.
func (s *Snapshot) Derive(sc *schema.Schema) (*Snapshot, error) {
	if err := s.sameColumns(sc); err != nil {
		return nil, err
	}
	d := &Snapshot{ID: s.ID, Schema: sc, Taken: s.Taken, Findings: s.Findings, Spans: s.Spans, Tables: make([]*Table, len(s.Tables)),
		held: s.held, space: s.space, derived: s.derived}
	for i, t := range s.Tables {
		n := len(sc.Tables[i].Links)
		d.Tables[i] = &Table{Def: sc.Tables[i], Rows: t.Rows, Columns: t.Columns, Parents: make([][]int32, n), Dangling: make([]int, n)}
	}
	if err := d.complete(s); err != nil {
		return nil, err
	}
	return d, nil
}

// compute fills in parents and times where they are not in place yet.
func (d *Snapshot) compute(base *Snapshot) error {
	if err := d.checkKeys(base); err != nil {
		return err
	}
	if err := d.resolve(base); err != nil {
		return err
	}
	return d.computeTimes(base)
}

// sameColumns refuses a schema that does not fit the stored columns.
func (s *Snapshot) sameColumns(sc *schema.Schema) error {
	if len(sc.Tables) != len(s.Tables) {
		return fmt.Errorf("schema has %d tables, the snapshot has %d", len(sc.Tables), len(s.Tables))
	}
	for i, t := range sc.Tables {
		have := s.Tables[i].Def
		if t.Name != have.Name || t.Namespace != have.Namespace || len(t.Columns) != len(have.Columns) {
			return fmt.Errorf("schema has table %q with %d columns, the snapshot has %q with %d in its place", t.FullName(), len(t.Columns), have.FullName(), len(have.Columns))
		}
		for c := range t.Columns {
			if t.Columns[c].Name != have.Columns[c].Name || t.Columns[c].Kind != s.Tables[i].Columns[c].Kind {
				return fmt.Errorf("table %q: schema has column %q (%s), the snapshot has %q (%s) in its place", t.FullName(),
					t.Columns[c].Name, t.Columns[c].Kind, have.Columns[c].Name, s.Tables[i].Columns[c].Kind)
			}
		}
	}
	return nil
}

// checkKeys refuses keys that the mapping chose and whose values are not unique.
// The keys of base were checked when it was made.
func (s *Snapshot) checkKeys(base *Snapshot) error {
	return each(len(s.Tables), func(i int) error {
		t := s.Tables[i]
		if len(t.Def.Key) == 0 || slices.Equal(t.Def.Key, base.Tables[i].Def.Key) {
			return nil
		}
		for _, c := range t.Def.Key {
			if c < 0 || c >= len(t.Columns) || t.Columns[c].Kind == schema.Opaque {
				return fmt.Errorf("table %q: column number %d cannot be part of a key", t.Def.FullName(), c)
			}
		}
		if row := t.index().twice; row >= 0 {
			return &UserError{
				Msg:  fmt.Sprintf("columns %s of table %q are no key: %s occurs twice", strings.Join(t.Def.Names(t.Def.Key), ", "), t.Def.FullName(), t.KeyText(row)),
				Hint: "name columns whose values are unique, or no key"}
		}
		return nil
	})
}

// linkError says which link cannot be resolved.
type linkError struct {
	table, link int
	err         error
}

func (e *linkError) Error() string { return e.err.Error() }
func (e *linkError) Unwrap() error { return e.err }

// target is a set of columns that foreign keys refer to.
type target struct {
	table int
	cols  []int
}

// resolve fills Parents and Dangling of every table, taking over from base what is
// the same there.
func (s *Snapshot) resolve(base *Snapshot) error {
	type job struct {
		table, link, target, block int
		rows                       [2]int
		probes                     []probe
	}
	var (
		jobs    []job
		targets []target
	)
	for ti, t := range s.Tables {
		for li, l := range t.Def.Links {
			if err := s.checkLink(t, l); err != nil {
				return &linkError{ti, li, err}
			}
			if old := base.Tables[ti].sameLink(l); old >= 0 {
				t.Parents[li], t.Dangling[li] = base.Tables[ti].Parents[old], base.Tables[ti].Dangling[old]
				continue
			}
			if t.Parents[li] != nil {
				continue // from the stored file
			}
			var err error
			if t.Parents[li], err = s.int32s(parentsName(ti, li), t.Rows); err != nil {
				return err
			}
			k := slices.IndexFunc(targets, func(o target) bool { return o.table == l.To && slices.Equal(o.cols, l.Ref) })
			if k < 0 {
				k = len(targets)
				targets = append(targets, target{l.To, l.Ref})
			}
			for b, rows := range blocks(t.Rows) {
				jobs = append(jobs, job{table: ti, link: li, target: k, block: b, rows: rows})
			}
		}
	}
	indexes := make([]*index, len(targets))
	_ = each(len(targets), func(i int) error {
		indexes[i] = s.indexOf(targets[i])
		return nil
	})
	for i := range jobs {
		j := &jobs[i]
		t := s.Tables[j.table]
		l, ix := t.Def.Links[j.link], indexes[j.target]
		if j.block > 0 { // blocks of a link follow each other
			j.probes = jobs[i-1].probes
			continue
		}
		if ix.twice >= 0 {
			return &linkError{j.table, j.link, notUnique(t, l, ix)}
		}
		var err error
		if j.probes, err = ix.probes(t, l); err != nil {
			return &linkError{j.table, j.link, err}
		}
	}
	dangling := make([]int, len(jobs))
	_ = each(len(jobs), func(i int) error {
		j := &jobs[i]
		t := s.Tables[j.table]
		dangling[i] = t.resolveBlock(j.link, indexes[j.target], j.probes, j.rows)
		return nil
	})
	for i, j := range jobs {
		s.Tables[j.table].Dangling[j.link] += dangling[i]
	}
	return nil
}

// indexOf returns the index of a link's target, the one of the table's key where it
// is the same.
func (s *Snapshot) indexOf(t target) *index {
	if tab := s.Tables[t.table]; slices.Equal(t.cols, tab.Def.Key) {
		return tab.index()
	}
	return newIndex(s.Tables[t.table], t.cols)
}

// checkLink refuses links whose numbers do not fit the schema.
func (s *Snapshot) checkLink(t *Table, l schema.Link) error {
	if l.To < 0 || l.To >= len(s.Tables) || len(l.Columns) == 0 || len(l.Columns) != len(l.Ref) {
		return fmt.Errorf("table %q: link %q pairs %d columns with %d of table number %d", t.Def.FullName(), l.Name, len(l.Columns), len(l.Ref), l.To)
	}
	to := s.Tables[l.To]
	for i, c := range l.Columns {
		if c < 0 || c >= len(t.Columns) || l.Ref[i] < 0 || l.Ref[i] >= len(to.Columns) {
			return fmt.Errorf("table %q: link %q names a column that does not exist", t.Def.FullName(), l.Name)
		}
		if to.Columns[l.Ref[i]].Kind == schema.Opaque {
			return &UserError{Msg: fmt.Sprintf("link %q of table %q refers to column %q of %q, whose type %s is not read",
				l.Name, t.Def.FullName(), to.Def.Columns[l.Ref[i]].Name, to.Def.FullName(), to.Def.Columns[l.Ref[i]].DBType),
				Hint: "remove the link in the mapping"}
		}
	}
	return nil
}

// sameLink returns the position of a resolved link of t that joins the same columns,
// or -1.
func (t *Table) sameLink(l schema.Link) int {
	for i, o := range t.Def.Links {
		if i < len(t.Parents) && t.Parents[i] != nil && o.To == l.To && slices.Equal(o.Columns, l.Columns) && slices.Equal(o.Ref, l.Ref) {
			return i
		}
	}
	return -1
}

func notUnique(t *Table, l schema.Link, ix *index) error {
	return &UserError{
		Msg: fmt.Sprintf("link %q of table %q refers to columns %s of %q, which do not identify its rows: %s occurs twice", l.Name, t.Def.FullName(),
			strings.Join(ix.table.Def.Names(ix.cols), ", "), ix.table.Def.FullName(), ix.table.text(ix.cols, ix.twice)),
		Hint: "let the link refer to a primary key or to unique columns"}
}

// probes returns one probe per column of link l of table t.
func (ix *index) probes(t *Table, l schema.Link) ([]probe, error) {
	out := make([]probe, len(l.Columns))
	for i, c := range l.Columns {
		p, err := ix.probe(i, &t.Columns[c], t.Def.Columns[c].DBType)
		if err != nil {
			return nil, &UserError{Msg: fmt.Sprintf("link %q of table %q: column %q and column %q of %q: %v", l.Name, t.Def.FullName(),
				t.Def.Columns[c].Name, ix.table.Def.Columns[l.Ref[i]].Name, ix.table.Def.FullName(), err),
				Hint: "correct or remove the link in the mapping"}
		}
		out[i] = p
	}
	return out, nil
}

// resolveBlock finds the parents of some rows and returns how many are missing.
func (t *Table) resolveBlock(link int, ix *index, probes []probe, rows [2]int) (dangling int) {
	parents, cols := t.Parents[link], t.Def.Links[link].Columns
	if c := &t.Columns[cols[0]]; ix.dense != nil && c.Kind == schema.Int {
		return ix.fromInts(c, parents, rows)
	}
	for r := rows[0]; r < rows[1]; r++ {
		p := ix.find(probes, r)
		parents[r] = p
		if p < 0 && !t.anyNull(cols, r) {
			dangling++
		}
	}
	return dangling
}

// fromInts is resolveBlock for the link of one integer column to integers that lie close
// together: no call per row.
func (ix *index) fromInts(c *Column, parents []int32, rows [2]int) (dangling int) {
	for r := rows[0]; r < rows[1]; r++ {
		p := int32(-1)
		if d := uint64(c.Ints[r]) - uint64(ix.base); d < uint64(len(ix.dense)) {
			p = ix.dense[d]
		}
		if p < 0 || c.Valid != nil {
			if c.Null(r) {
				p = -1
			} else if p < 0 {
				dangling++
			}
		}
		parents[r] = p
	}
	return dangling
}

func (t *Table) anyNull(cols []int, row int) bool {
	for _, c := range cols {
		if t.Columns[c].Null(row) {
			return true
		}
	}
	return false
}
