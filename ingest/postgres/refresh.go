package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

var _ ingest.Refresher = (*Source)(nil)

// earlier is the snapshot that a read may take rows from.
type earlier struct {
	snap *ingest.Snapshot
	mark *mark // nil when nothing is known about how it was read
}

// Refresh implements [ingest.Refresher]. The server is asked for the row versions that
// were written since the earlier snapshot, and how many there are in all. A table of which
// the older versions are exactly the earlier rows that no newer version replaces gets those
// and the newer ones; any other is copied whole. So updates and deletes, and rows of
// transactions that were open then, are never missed.
func (s *Source) Refresh(ctx context.Context, sch *schema.Schema, b *ingest.Builder, old *ingest.Snapshot, text []byte) error {
	return s.read(ctx, sch, b, &earlier{old, decodeMark(text)})
}

// Mark implements [ingest.Refresher].
func (s *Source) Mark() []byte {
	text, err := json.Marshal(s.mark)
	if err != nil {
		panic(err) // strings and numbers
	}
	return text
}

// Ways implements [ingest.Refresher].
func (s *Source) Ways() []ingest.Way { return slices.Clone(s.ways) }

// lastRead is what was read last.
type lastRead struct {
	plans   []*plan
	catalog *catalog
}

// fill reads the rows of all plans. What can be is taken from the earlier snapshot.
func (s *Source) fill(ctx context.Context, r *reading, plans []*plan, from *earlier) error {
	now, err := s.readMark(ctx, plans)
	if err != nil {
		return err
	}
	s.last = lastRead{plans, r.catalog}
	s.mark, s.ways = now, make([]ingest.Way, len(plans))
	for i, p := range plans {
		p.rows = r.builder.Tables[p.table]
		s.ways[i] = ingest.Way{Table: p.rel.full(), Way: ingest.WayWhole}
	}
	rest := plans
	if from != nil {
		if rest, err = s.fillChanged(ctx, r, plans, from); err != nil {
			return err
		}
	}
	if err := s.readAll(ctx, r, rest); err != nil {
		return err
	}
	for _, p := range rest {
		s.way(p).Copied = p.rows.Rows()
	}
	now.note(plans, r.builder)
	return nil
}

// way is where the way of a table is noted.
func (s *Source) way(p *plan) *ingest.Way {
	i := slices.IndexFunc(s.ways, func(w ingest.Way) bool { return w.Table == p.rel.full() })
	return &s.ways[i]
}

// fillChanged brings those tables up to date of which only some rows need be copied, and
// returns the others.
func (s *Source) fillChanged(ctx context.Context, r *reading, plans []*plan, from *earlier) (rest []*plan, err error) {
	types, err := s.typesChanged(ctx, from)
	if err != nil {
		return nil, err
	}
	beside := r.builder.Beside(r.schema)
	var recent, whole []*plan
	for _, p := range plans {
		why := s.mustCopy(r, p, from, types)
		if why != "" {
			s.way(p).Why = why
			whole = append(whole, p)
			continue
		}
		recent = append(recent, &plan{table: p.table, rel: p.rel, fields: p.fields, rows: beside.Tables[p.table], since: from.mark.Horizon})
	}
	if err := s.readAll(ctx, r, recent); err != nil {
		return nil, err
	}
	for _, c := range recent {
		p := plans[slices.IndexFunc(plans, func(p *plan) bool { return p.table == c.table })]
		done, err := s.merge(p, c, r.schema.Tables[p.table], from)
		if err != nil {
			return nil, err
		}
		if !done {
			whole = append(whole, p)
		}
	}
	return whole, nil
}

// mustCopy says why a table has to be copied whole whatever its rows are, or "".
func (s *Source) mustCopy(r *reading, p *plan, from *earlier, types bool) string {
	st, name := from.mark, p.rel.full()
	if st == nil {
		return "nothing is known about how the earlier snapshot was read"
	}
	now := s.mark.Tables[name]
	was, known := st.Tables[name]
	old := from.table(name)
	switch {
	case st.Server != s.mark.Server:
		return "the server was restarted, or is another one"
	case s.mark.Horizon < st.Horizon || s.mark.Horizon-st.Horizon >= 1<<31:
		return "the transaction numbers of the earlier snapshot say nothing any more"
	case !known || old == nil:
		return "the table is new"
	case !sameColumns(old.Def, r.schema.Tables[p.table]):
		return "its columns are not those of the earlier snapshot"
	case was.Rows != old.Rows:
		return "what is known about the earlier snapshot does not fit it"
	case !now.heap:
		return "the table does not lie in a heap"
	case p.rel.rls:
		return "row-level security decides which rows are seen"
	case s.session.ascii:
		return "the database does not know the encoding of its text"
	}
	if why := now.differs(was); why != "" {
		return why
	}
	return p.typesDiffer(r.catalog, now, types)
}

// merge brings one table up to date from its earlier rows and the row versions that c holds;
// done is false when that cannot be.
func (s *Source) merge(p, c *plan, def *schema.Table, from *earlier) (done bool, err error) {
	was := from.mark.Tables[p.rel.full()]
	old := from.table(p.rel.full())
	fresh, err := c.rows.Finish(def)
	if err != nil {
		return false, err
	}
	var replaced []int32
	if len(def.Key) > 0 {
		prior := ingest.Table{Def: def, Rows: old.Rows, Columns: old.Columns} // without what a mapping made of it
		replaced = prior.SameKeys(fresh)
	}
	way := s.way(p)
	settled := c.seen - int64(fresh.Rows)
	missing := int64(old.Rows-len(replaced)) - settled
	odd := was.strange() || slices.ContainsFunc(c.odd, func(o oddities) bool { return o != oddities{} })
	switch {
	case missing != 0 && len(def.Key) == 0:
		way.Why = fmt.Sprintf("%d rows were changed or deleted, and without a primary key nobody can say which", missing)
		return false, nil
	case missing != 0:
		way.Why = fmt.Sprintf("%d rows were deleted, or their keys changed", missing)
		return false, nil
	case odd && len(replaced) > 0:
		way.Why = fmt.Sprintf("%d rows changed in a table with values that cannot be stored as they are, which are counted", len(replaced))
		return false, nil
	}
	p.odd = make([]oddities, len(p.fields))
	for i := range p.odd {
		p.odd[i] = oddOf(was.Columns[i].Odd)
		if c.odd != nil {
			p.odd[i].add(c.odd[i])
		}
	}
	way.Copied = int64(fresh.Rows)
	if fresh.Rows == 0 {
		way.Way, way.Why = ingest.WayUnchanged, fmt.Sprintf("all %d rows were written before, and none is missing", old.Rows)
		p.rows.Keep(old)
		return true, nil
	}
	p.rows.AppendRows(old, replaced)
	p.rows.AppendRows(fresh, nil)
	way.Way, way.Why = ingest.WayAppended, fmt.Sprintf("all %d earlier rows still stand", old.Rows)
	if len(replaced) > 0 {
		way.Way, way.Why = ingest.WayUpdated, fmt.Sprintf("%d of %d earlier rows still stand, %d were written again", settled, old.Rows, len(replaced))
	}
	return true, nil
}

// typesChanged reports whether labels of enums or extensions changed since, which changes
// how stored values read.
func (s *Source) typesChanged(ctx context.Context, from *earlier) (bool, error) {
	if from.mark == nil {
		return false, nil
	}
	var changed bool
	recent := sinceSQL(from.mark.Horizon)
	err := s.session.conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_enum WHERE `+recent+`) OR EXISTS (SELECT FROM pg_catalog.pg_extension WHERE `+recent+`)`).Scan(&changed)
	if err != nil {
		return false, sourceError("read the types", err, s.config)
	}
	return changed, nil
}

// typesDiffer says why values of the table's types may read otherwise than before, or "".
func (p *plan) typesDiffer(c *catalog, now tableMark, changed bool) string {
	for _, f := range p.fields {
		switch t := c.types[f.base]; {
		case t.namespace == "pg_catalog":
		case t.kind == "c" || t.kind == "r" || t.kind == "m" || t.array:
			return fmt.Sprintf("column %q has a type made of others, which may have changed", f.attr.name)
		case changed:
			return fmt.Sprintf("column %q has a type of an enum or an extension, and such types changed", f.attr.name)
		}
	}
	for _, c := range now.Columns {
		if c.Computed == "v" {
			return fmt.Sprintf("column %q is computed when it is read", c.Name)
		}
	}
	return ""
}

// sameColumns reports whether columns that are not read stand in the same places too.
func sameColumns(a, b *schema.Table) bool {
	return slices.EqualFunc(a.Columns, b.Columns, func(x, y schema.Column) bool { return x.Name == y.Name && x.Kind == y.Kind })
}

// table returns a table of the earlier snapshot, or nil.
func (e *earlier) table(name string) *ingest.Table {
	for _, t := range e.snap.Tables {
		if t.Def.FullName() == name {
			return t
		}
	}
	return nil
}

// sinceSQL is the condition of row versions that transactions from the horizon on have
// written. It compares ages, which wrap around as transaction numbers do: of what is older
// than 2^31 transactions it may take something for recent, which is copied in vain, but
// never the other way round, given that the horizon itself is younger.
func sinceSQL(horizon int64) string {
	return fmt.Sprintf("pg_catalog.age(xmin) <= pg_catalog.age('%d'::pg_catalog.xid)", uint32(horizon))
}
