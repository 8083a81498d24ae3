package tql

// Aggregate reduces the rows of one table that belong to the entity. Exactly one of
// Star and Arg is set.
type Aggregate struct {
	Loc
	Name     Name   // as written
	Func     string // the same in lower case; see [Aggregate.Kind]
	Distinct bool
	Star     *Star
	Arg      Expr
	Where    Expr // WHERE inside the parentheses; nil = none
	Window   *Window

	From    *Table // modifiers; nil = none
	Filter  Expr
	Via     *Via
	Time    *Column
	OnEmpty *OnEmpty
}

// Via names the foreign keys from the aggregated table to the entity, in walking
// order. A single one-part name may be the name of a path.
type Via struct {
	Loc
	Columns []*Column
}

// OnEmpty says what an aggregate over nothing gives: the example is skipped, or the
// value.
type OnEmpty struct {
	Loc
	Skip  bool
	Value *Literal // nil if Skip
}

func (a *Aggregate) String() string { return textOf(a) }
func (*Aggregate) prec() int        { return precPrimary }

func (a *Aggregate) children() []Expr { return present(a.Arg, a.Where, a.Filter) }

// Kind returns the aggregate's function whatever its spelling: count(DISTINCT x) is
// count_distinct, array_agg(DISTINCT x) is list_distinct.
func (a *Aggregate) Kind() string {
	if a.Distinct {
		switch a.Func {
		case "count":
			return "count_distinct"
		case "array_agg":
			return "list_distinct"
		}
	}
	return a.Func
}

// Condition returns the WHERE inside the parentheses and the FILTER, joined by AND;
// nil if there is neither.
func (a *Aggregate) Condition() Expr {
	switch {
	case a.Where == nil:
		return a.Filter
	case a.Filter == nil:
		return a.Where
	}
	return &Logic{Loc: Loc{a.Where.Range().Pos, a.Filter.Range().End}, Op: "AND", Terms: []Expr{a.Where, a.Filter}}
}

// Table returns the name of the aggregated table (table, or schema and table): that
// of FROM, of t.*, or of the first qualified column of the argument. It is empty if
// none is written, which has been reported as TK118.
func (a *Aggregate) Table() []Name {
	switch {
	case a.From != nil:
		return a.From.Parts
	case a.Star != nil:
		return a.Star.Parts
	}
	var table []Name
	Inspect(a.Arg, func(e Expr) bool {
		if c, ok := e.(*Column); ok && table == nil && len(c.Parts) > 1 {
			table = c.Parts[:len(c.Parts)-1]
		}
		_, nested := e.(*Aggregate)
		return !nested && table == nil
	})
	return table
}

func (a *Aggregate) print(p *printer) {
	p.add(a.Name.Text, "(")
	p.addIf(a.Distinct, "DISTINCT ")
	if a.Star != nil {
		a.Star.print(p)
	} else {
		p.expr(a.Arg, precOr)
	}
	if a.Where != nil {
		p.add(" WHERE ")
		p.expr(a.Where, precOr)
	}
	if a.Window != nil && a.Window.Form == FormBounds {
		a.Window.printInside(p)
	}
	p.add(")")
	a.printModifiers(p)
}

func (a *Aggregate) printModifiers(p *printer) {
	if a.From != nil {
		p.add(" FROM ")
		a.From.print(p)
	}
	if a.Filter != nil {
		p.add(" FILTER (WHERE ")
		p.expr(a.Filter, precOr)
		p.add(")")
	}
	if a.Window != nil && a.Window.Form != FormBounds {
		a.Window.printOver(p)
	}
	if a.Via != nil {
		p.add(" VIA ")
		p.columns(a.Via.Columns)
	}
	if a.Time != nil {
		p.add(" TIME ")
		a.Time.print(p)
	}
	if a.OnEmpty != nil {
		p.add(" ON EMPTY ")
		if a.OnEmpty.Skip {
			p.add("SKIP")
		} else {
			a.OnEmpty.Value.print(p)
		}
	}
}

// canon writes every spelling as the PQL one, with each column qualified.
func (a *Aggregate) canon(s canonScope) Expr {
	in := canonScope{table: a.Table(), paths: s.paths}
	out := &Aggregate{Loc: a.Loc, Func: a.Kind(), From: a.From}
	out.Distinct = a.Distinct && out.Func == a.Func
	out.Name = Name{Loc: a.Name.Loc, Text: out.Func}
	if a.Star != nil {
		out.Star = &Star{Loc: a.Star.Loc, Parts: in.table}
		if len(a.Star.Parts) == 0 || sameNames(a.Star.Parts, in.table) {
			out.From = nil
		} else {
			out.Star.Parts = a.Star.Parts
		}
	} else {
		out.Arg = a.Arg.canon(in)
		if a.From != nil && sameNames(out.bareTable(), a.From.Parts) {
			out.From = nil
		}
	}
	if c := a.Condition(); c != nil {
		out.Where = c.canon(in)
	}
	if a.Window != nil {
		out.Window = a.Window.canon()
	}
	if a.Via != nil {
		out.Via = a.Via.canon(in)
	}
	if a.Time != nil {
		out.Time = a.Time.canon(in).(*Column)
	}
	if a.OnEmpty != nil {
		out.OnEmpty = &OnEmpty{Loc: a.OnEmpty.Loc, Skip: a.OnEmpty.Skip}
		if a.OnEmpty.Value != nil {
			out.OnEmpty.Value = a.OnEmpty.Value.normal()
		}
	}
	return out
}

// bareTable returns the table that the argument alone names.
func (a *Aggregate) bareTable() []Name {
	b := *a
	b.From = nil
	return b.Table()
}

// canon puts the columns of a declared path in place of its name.
func (v *Via) canon(s canonScope) *Via {
	walk := v.Columns
	if len(walk) == 1 && len(walk[0].Follow) == 0 {
		for _, p := range s.paths {
			if sameNames([]Name{p.Name}, v.Columns[0].Parts) {
				walk = p.Columns
			}
		}
	}
	out := &Via{Loc: v.Loc}
	for i, c := range walk {
		if i == 0 {
			c = c.canon(s).(*Column) // the walk begins at the aggregated table
		}
		out.Columns = append(out.Columns, c)
	}
	return out
}

// sameNames reports whether two dotted names are written alike.
func sameNames(a, b []Name) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Text != b[i].Text || a[i].Quoted != b[i].Quoted {
			return false
		}
	}
	return true
}
