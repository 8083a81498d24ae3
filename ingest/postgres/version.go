package postgres

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/ingest/postgres/pgoutput"
	"github.com/rowlink/rowlink/schema"
)

// version fills b with the earlier rows and what became of them. An error says why the tables
// have to be read instead.
func (f *Follower) version(tables []*followed, b *ingest.Builder, from *earlier) error {
	next := *f.mark
	next.Tables = maps.Clone(next.Tables)
	var ways []ingest.Way
	for _, t := range tables {
		name := t.plan.rel.full()
		old, rows := from.table(name), b.Tables[t.plan.table]
		if old == nil || old.Rows != f.mark.Tables[name].Rows {
			return fmt.Errorf("table %s is not the one that was followed", name)
		}
		way := ingest.Way{Table: name, Way: ingest.WayUnchanged, Why: "no change came"}
		if len(t.changes) == 0 {
			rows.Keep(old)
			ways = append(ways, way)
			continue
		}
		dropped, added, odd, err := t.merge(rows, b, old)
		if err != nil {
			return fmt.Errorf("table %s: %w", name, err)
		}
		m := next.Tables[name]
		if dropped > 0 && (m.strange() || slices.ContainsFunc(odd, func(o oddities) bool { return o != oddities{} })) {
			return fmt.Errorf("table %s has values that cannot be stored as they are, which are counted", name)
		}
		m.Rows, m.Columns = int(rows.Rows()), slices.Clone(m.Columns)
		t.plan.odd = slices.Clone(t.plan.odd)
		for i := range m.Columns {
			all := oddOf(m.Columns[i].Odd)
			all.add(odd[i])
			m.Columns[i].Odd = all.counts()
			t.plan.odd[i] = all
		}
		next.Tables[name] = m
		way.Way, way.Copied, way.Why = ingest.WayAppended, added, fmt.Sprintf("the stream brought %d rows, and took none away", added)
		if dropped > 0 {
			way.Way, way.Why = ingest.WayUpdated, fmt.Sprintf("the stream brought %d rows, and took %d away", added, dropped)
		}
		ways = append(ways, way)
	}
	f.mark, f.ways = &next, ways
	f.found(tables)
	return nil
}

// found makes the findings anew.
func (f *Follower) found(tables []*followed) {
	f.Source.mu.Lock()
	defer f.Source.mu.Unlock()
	f.findings = f.last.catalog.findings()
	for _, t := range tables {
		f.findings = append(f.findings, t.plan.findings()...)
	}
}

// merge fills rows with the earlier ones, less those that went, and the new ones.
func (t *followed) merge(rows *ingest.TableBuilder, b *ingest.Builder, old *ingest.Table) (dropped, added int64, odd []oddities, err error) {
	prior := &ingest.Table{Def: t.def, Rows: old.Rows, Columns: old.Columns} // without what a mapping made of it
	var gone, origin []pgoutput.Tuple
	var runs []int // of a table without key: how many rows equal to gone go
	for _, n := range t.changes {
		switch {
		case !t.keyed && n.count < 0:
			gone, runs = append(gone, n.row), append(runs, -n.count)
		case t.keyed && n.was != nil:
			gone, runs = append(gone, n.was), append(runs, 1)
		}
		if t.keyed && n.row != nil && incomplete(n.row) {
			origin = append(origin, n.from)
		}
	}
	drop, err := t.locate(b, prior, gone, runs)
	if err != nil {
		return 0, 0, nil, err
	}
	origins, err := t.locate(b, prior, origin, nil)
	if err != nil {
		return 0, 0, nil, err
	}
	at := map[string]int32{}
	for i, o := range origin {
		at[t.text(o)] = origins[i]
	}
	slices.Sort(drop)
	rows.AppendRows(old, drop)
	d := t.plan.decoder(rows)
	for _, n := range t.changes {
		times := n.count
		if t.keyed && n.row != nil {
			times = 1
		}
		for range max(times, 0) {
			row := int32(-1)
			if incomplete(n.row) {
				row = at[t.text(n.from)]
			}
			if err := t.put(rows, d.fields, n.row, old, row); err != nil {
				return 0, 0, nil, err
			}
			added++
		}
	}
	for _, f := range d.fields {
		odd = append(odd, f.odd)
	}
	return int64(len(drop)), added, odd, nil
}

// incomplete reports whether a value of a row was not sent.
func incomplete(row pgoutput.Tuple) bool {
	return slices.ContainsFunc(row, func(v pgoutput.Value) bool { return v.Kind == pgoutput.Unchanged })
}

// locate finds rows of the earlier table by their keys, in the order of keys; of a table
// without key, as many rows of each as runs says.
func (t *followed) locate(b *ingest.Builder, prior *ingest.Table, keys []pgoutput.Tuple, runs []int) ([]int32, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	rows := b.Beside(&schema.Schema{Tables: []*schema.Table{t.def}}).Tables[0]
	d := t.plan.decoder(rows)
	for _, k := range keys {
		masked := make(pgoutput.Tuple, len(k))
		for i := range k {
			masked[i] = pgoutput.Value{Kind: pgoutput.Null}
			if slices.Contains(t.key, i) {
				masked[i] = k[i]
			}
		}
		if err := t.put(rows, d.fields, masked, nil, 0); err != nil {
			return nil, err
		}
	}
	probes, err := rows.Collect(t.def)
	if err != nil {
		return nil, err
	}
	var out []int32
	used := map[int]int{} // rows taken, by the first of their run: texts that differ may be stored alike
	for i := range keys {
		n := 1
		if runs != nil {
			n = runs[i]
		}
		lo, hi := prior.Locate(probes, i)
		if runs == nil {
			used[lo] = 0
		}
		for range n {
			if lo+used[lo] >= hi {
				return nil, fmt.Errorf("a row that the stream took away is not in the earlier snapshot")
			}
			out = append(out, int32(lo+used[lo]))
			used[lo]++
		}
	}
	return out, nil
}
