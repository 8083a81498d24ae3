package tql

import "strconv"

// Query is PREDICT target FOR EACH entity with its clauses.
type Query struct {
	Base
	Paths     []*Path
	Target    Expr
	Spec      *Spec // nil = none
	Each      bool  // FOR EACH, not FOR
	Entity    *Entity
	Selection *Selection // nil = all entities
	Where     Expr       // nil = none
	Assuming  Expr       // nil = none
	At        *AnchorTime

	WhereAt, AssumingAt Loc // the words WHERE and ASSUMING
}

// Path is a declared path: WITH PATH name AS (columns).
type Path struct {
	Loc
	Name    Name
	Columns []*Column
}

// SpecKind is the kind of a Spec.
type SpecKind uint8

// The kinds. SpecTop is TOP without RANK or CLASSIFY, reported as TK171.
const (
	SpecRank SpecKind = iota
	SpecClassify
	SpecForecast
	SpecTop
)

// Spec says what to make of the target: RANK TOP k, CLASSIFY, FORECAST n.
type Spec struct {
	Loc
	Kind         SpecKind
	Top          *Int // k of TOP; nil = none
	Steps        *Int // n of FORECAST
	IncludingNew bool
}

// Int is a whole number with its place.
type Int struct {
	Loc
	N int64
}

// Entity names the entity table, possibly with schema or key: the binder decides what
// two parts mean. Star is a trailing ".*", which is ignored.
type Entity struct {
	Loc
	Parts []Name
	Star  bool
}

// Selection is = key or IN (keys) after the entity. Equal marks the first spelling.
type Selection struct {
	Loc
	Equal bool
	Keys  []*Key
}

// Key is one key: a constant, or several in parentheses for a composite key (Tuple).
type Key struct {
	Loc
	Tuple bool
	Parts []*Literal
}

// AnchorKind is the kind of an AnchorTime.
type AnchorKind uint8

// The kinds of an anchor after AT.
const (
	AtTime   AnchorKind = iota // a moment
	AtNow                      // the moment of the snapshot
	AtLatest                   // data_until
	AtEntity                   // the entity row's own time
)

// AnchorTime is the anchor named by AT. Value is set for AtTime: a literal of kind
// LitString, LitTime, LitDate or LitTimestamp whose text is a valid moment.
type AnchorTime struct {
	Loc
	Kind  AnchorKind
	Value *Literal
}

func (q *Query) String() string      { return textOf(q) }
func (e *Entity) String() string     { return textOf(e) }
func (s *Selection) String() string  { return textOf(s) }
func (k *Key) String() string        { return textOf(k) }
func (a *AnchorTime) String() string { return textOf(a) }
func (s *Spec) String() string       { return textOf(s) }
func (h *Path) String() string       { return textOf(h) }
func (i *Int) String() string        { return strconv.FormatInt(i.N, 10) }

// Bare returns q without its keys and AT: two queries that ask the same task of
// different entities or moments have the same bare form. AT ENTITY TIME stays.
func (q *Query) Bare() *Query {
	b := *q
	b.Selection = nil
	if b.At != nil && b.At.Kind != AtEntity {
		b.At = nil
	}
	return &b
}

func (q *Query) print(p *printer) {
	for i, h := range q.Paths {
		if i == 0 {
			p.add("WITH ")
		}
		h.print(p)
		if i+1 < len(q.Paths) {
			p.add(", ")
		} else {
			p.add(" ")
		}
	}
	p.add("PREDICT ")
	p.target(q.Target, q.Spec)
	if q.Spec != nil {
		p.add(" ")
		q.Spec.print(p)
	}
	p.add(" FOR ")
	p.addIf(q.Each, "EACH ")
	if q.Entity != nil {
		q.Entity.print(p)
	}
	if q.Selection != nil {
		p.add(" ")
		q.Selection.print(p)
	}
	if q.Where != nil {
		p.add(" WHERE ")
		p.expr(q.Where, precOr)
	}
	if q.Assuming != nil {
		p.add(" ASSUMING ")
		p.expr(q.Assuming, precOr)
	}
	if q.At != nil {
		p.add(" AT ")
		q.At.print(p)
	}
}

func (h *Path) print(p *printer) {
	p.add("PATH ")
	p.name(h.Name)
	p.add(" AS (")
	for i, c := range h.Columns {
		p.addIf(i > 0, ", ")
		c.print(p)
	}
	p.add(")")
}

func (s *Spec) print(p *printer) {
	switch s.Kind {
	case SpecForecast:
		p.add("FORECAST ", s.Steps.String(), " TIMEFRAMES")
		return
	case SpecRank:
		p.add("RANK")
	case SpecClassify:
		p.add("CLASSIFY")
	}
	if s.Top != nil {
		p.addIf(s.Kind != SpecTop, " ")
		p.add("TOP ", s.Top.String())
	}
	p.addIf(s.IncludingNew, " INCLUDING NEW")
}

func (e *Entity) print(p *printer) {
	p.chain(e.Parts)
	p.addIf(e.Star, ".*")
}

func (s *Selection) print(p *printer) {
	if s.Equal {
		p.add("= ")
		s.Keys[0].print(p)
		return
	}
	p.add("IN (")
	p.keys(s.Keys)
	p.add(")")
}

func (k *Key) print(p *printer) {
	p.addIf(k.Tuple, "(")
	for i, c := range k.Parts {
		p.addIf(i > 0, ", ")
		c.print(p)
	}
	p.addIf(k.Tuple, ")")
}

func (a *AnchorTime) print(p *printer) {
	switch a.Kind {
	case AtNow:
		p.add("NOW")
	case AtLatest:
		p.add("LATEST")
	case AtEntity:
		p.add("ENTITY TIME")
	default:
		a.Value.print(p)
	}
}
