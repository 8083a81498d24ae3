package postgres

import (
	"fmt"

	"github.com/rowlink/rowlink/ingest/postgres/pgoutput"
)

// inflow turns messages into changes of tables, transaction by transaction.
type inflow struct {
	follower *Follower
	layouts  map[uint32]*layout // nil = of a table that is not read

	open    bool // inside a transaction
	changes []change
	bytes   int
	spoils  string // why the transaction cannot be applied
}

// message takes one message in; committed says that it ended a transaction.
func (s *inflow) message(m pgoutput.Message) (committed bool) {
	switch m := m.(type) {
	case *pgoutput.Begin:
		s.open, s.changes, s.bytes, s.spoils = true, nil, 0, ""
	case *pgoutput.Commit:
		s.commit(m)
		return true
	case *pgoutput.Relation:
		s.relation(m)
	case *pgoutput.Insert:
		s.change(m.Relation, nil, m.New, true)
	case *pgoutput.Update:
		s.change(m.Relation, m.Old, m.New, false)
	case *pgoutput.Delete:
		s.change(m.Relation, m.Old, nil, false)
	case *pgoutput.Truncate:
		for _, oid := range m.Relations {
			if l := s.layouts[oid]; l != nil {
				s.spoil("table %s was truncated", l.table.plan.rel.full())
			}
		}
	}
	return false
}

func (s *inflow) relation(m *pgoutput.Relation) {
	s.follower.mu.Lock()
	t := s.follower.byOID[m.ID]
	s.follower.mu.Unlock()
	s.layouts[m.ID] = nil
	if t == nil {
		return
	}
	l := newLayout(t, m)
	s.layouts[m.ID] = l
	if l.at == nil || len(l.at) < len(t.plan.fields) {
		s.spoil("table %s: %s", t.plan.rel.full(), l.whyNot)
	}
}

func (s *inflow) spoil(format string, args ...any) {
	if s.spoils == "" {
		s.spoils = fmt.Sprintf(format, args...)
	}
	s.changes, s.bytes = nil, 0
}

func (s *inflow) change(relation uint32, old, row pgoutput.Tuple, insert bool) {
	l := s.layouts[relation]
	if l == nil || s.spoils != "" {
		return
	}
	if l.whyNot != "" {
		s.spoil("table %s: %s", l.table.plan.rel.full(), l.whyNot)
		return
	}
	c := change{on: l, old: l.tuple(old), new: l.tuple(row), insert: insert}
	if old != nil && c.old == nil || row != nil && c.new == nil {
		s.spoil("table %s: a row has too few columns", l.table.plan.rel.full())
		return
	}
	s.changes, s.bytes = append(s.changes, c), s.bytes+c.size()
	if s.bytes > s.follower.limit {
		s.spoil("a transaction is larger than %d MB", s.follower.limit>>20)
	}
}

// commit applies the open transaction, once.
func (s *inflow) commit(m *pgoutput.Commit) {
	f := s.follower
	f.mu.Lock()
	defer f.mu.Unlock()
	changes := s.changes
	s.open, s.changes = false, nil
	if m.End <= f.end {
		return // was taken in before
	}
	f.end = m.End
	if s.spoils != "" {
		f.spoiled(s.spoils)
	}
	if f.stale != "" {
		return
	}
	for _, c := range changes {
		t := f.byOID[c.on.table.plan.rel.oid] // of the next version by now
		if err := c.apply(t); err != nil {
			f.spoiled(fmt.Sprintf("table %s: %v", t.plan.rel.full(), err))
			return
		}
	}
	if f.pending += s.bytes; f.pending > f.limit {
		f.spoiled(fmt.Sprintf("more than %d MB of changes were waiting", f.limit>>20))
	}
}
