package tql

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// gen draws random syntax trees of the shapes the parser makes.
type gen struct {
	*rapid.T
	fuel int // expressions left to draw
}

func (g *gen) yes(label string) bool { return rapid.Bool().Draw(g.T, label) }
func (g *gen) upTo(n int) int        { return rapid.IntRange(0, n).Draw(g.T, "n") }

func pick[T any](g *gen, from ...T) T { return rapid.SampledFrom(from).Draw(g.T, "pick") }

func (g *gen) name() Name {
	if g.yes("quoted") {
		return Name{Text: rapid.StringN(1, 6, -1).Draw(g.T, "quoted"), Quoted: true}
	}
	return Name{Text: pick(g, "a", "t", "task", "Select", "time", "rank", "count", "sum", "date", "e", "from", "via", "zürich", "x$1", "_", "at", "in2", "with_", "top", "starts")}
}

func (g *gen) names() []Name {
	list := []Name{g.name()}
	for range g.upTo(2) {
		list = append(list, g.name())
	}
	return list
}

// chain is a dotted name; behind a dot any word is a name.
func (g *gen) chain(most int) []Name {
	list := []Name{g.name()}
	for range g.upTo(most - 1) {
		n := g.name()
		if g.upTo(3) == 0 {
			n = Name{Text: pick(g, "for", "WHERE", "in", "null", "With", "predict")}
		}
		list = append(list, n)
	}
	return list
}

func (g *gen) table() *Table { return &Table{Parts: g.chain(2)} }

func (g *gen) column() *Column {
	c := &Column{Parts: g.chain(3)}
	if g.upTo(3) == 0 {
		c.Follow = g.names()
	}
	return c
}

func (g *gen) columns() []*Column {
	list := []*Column{g.column()}
	for range g.upTo(2) {
		list = append(list, g.column())
	}
	return list
}

func (g *gen) literal() *Literal {
	texts := map[LiteralKind][]string{
		LitNull: {"NULL"}, LitBool: {"TRUE", "FALSE"}, LitInt: {"0", "42", "007", "99999999999999999999"},
		LitDecimal:   {"1.5", ".5", "1e-9", "2.5E10", "0.0"},
		LitTime:      {"2020-01-31", "2020/01/31 10:30", "2020.01.31T10:30:00.5Z", "2020-01-31+02"},
		LitDate:      {"2020-01-31", "2020/02/29"},
		LitTimestamp: {"2020-01-31 10:30:01", "2020-01-31"},
		LitInterval:  {"7 days", "1 mon 2 days", "-12:30", "1.5 hours"},
	}
	kind := LiteralKind(g.upTo(int(LitInterval)))
	if kind == LitString {
		return &Literal{Kind: kind, Text: rapid.String().Draw(g.T, "text")}
	}
	return &Literal{Kind: kind, Text: pick(g, texts[kind]...)}
}

func (g *gen) constant() *Literal {
	l := g.literal()
	if l.IsNumber() && g.yes("negative") {
		l.Text = "-" + l.Text
	}
	return l
}

func (g *gen) constants() []*Literal {
	list := []*Literal{g.constant()}
	for range g.upTo(2) {
		list = append(list, g.constant())
	}
	return list
}

func (g *gen) expr() Expr {
	g.fuel--
	if g.fuel < 0 {
		return g.leaf()
	}
	switch g.upTo(11) {
	case 0:
		l := &Logic{Op: pick(g, "AND", "OR"), Terms: []Expr{g.expr(), g.expr()}}
		for range g.upTo(1) {
			l.Terms = append(l.Terms, g.expr())
		}
		return l
	case 1:
		return &Not{X: g.expr()}
	case 2:
		return &Sign{Op: pick(g, "+", "-"), X: g.expr()}
	case 3:
		return &Arith{Op: pick(g, "+", "-", "*", "/"), X: g.expr(), Y: g.expr()}
	case 4:
		return &Compare{Op: pick(g, "=", "<>", "<", "<=", ">", ">="), X: g.expr(), Y: g.expr()}
	case 5:
		return &Match{Op: pick(g, "LIKE", "ILIKE", "CONTAINS", "STARTS WITH", "ENDS WITH"), Not: g.yes("not"), X: g.expr(), Y: g.expr()}
	case 6:
		return &Between{Not: g.yes("not"), X: g.expr(), Low: g.expr(), High: g.expr()}
	case 7:
		return &In{X: g.expr(), Is: g.yes("is"), Not: g.yes("not"), List: g.constants()}
	case 8:
		return &Is{X: g.expr(), Not: g.yes("not"), Value: g.constant()}
	case 9:
		name := pick(g, "coalesce", "LOG", "Date_Part", "round")
		c := &Call{Name: Name{Text: name}, Func: strings.ToLower(name), Args: []Expr{g.expr()}}
		for range g.upTo(2) {
			c.Args = append(c.Args, g.expr())
		}
		return c
	case 10:
		return g.aggregate()
	}
	return g.leaf()
}

func (g *gen) leaf() Expr {
	switch g.upTo(3) {
	case 0:
		return &Anchor{}
	case 1:
		return g.literal()
	}
	return g.column()
}

func (g *gen) aggregate() *Aggregate {
	name := pick(g, "COUNT", "count_distinct", "Sum", "LIST_DISTINCT", "array_agg", "exists", "first", "MODE")
	a := &Aggregate{Name: Name{Text: name}, Func: strings.ToLower(name), Distinct: g.yes("distinct")}
	if g.yes("star") {
		a.Star = &Star{}
		if g.yes("qualified") {
			a.Star.Parts = g.chain(2)
		}
	} else {
		a.Arg = g.expr()
	}
	if g.yes("where") {
		a.Where = g.expr()
	}
	if g.yes("filter") {
		a.Filter = g.expr()
	}
	if g.yes("window") {
		a.Window = g.window()
	}
	if g.yes("via") {
		a.Via = &Via{Columns: g.columns()}
	}
	if g.yes("time") {
		a.Time = g.column()
	}
	if g.yes("empty") {
		a.OnEmpty = &OnEmpty{Skip: true}
		if g.yes("value") {
			a.OnEmpty = &OnEmpty{Value: g.constant()}
		}
	}
	nested := false
	Inspect(a.Arg, func(e Expr) bool {
		_, is := e.(*Aggregate)
		nested = nested || is
		return !nested
	})
	if g.yes("from") || len(a.Table()) == 0 && !nested {
		a.From = g.table()
	}
	return a
}

func (g *gen) window() *Window {
	w := &Window{Form: WindowForm(g.upTo(int(FormAfter)))}
	bound := func() Bound {
		if inf := pick(g, -1, 0, 0, 0, 1); inf != 0 {
			return Bound{Inf: inf}
		}
		return Bound{N: int64(rapid.IntRange(-99, 99).Draw(g.T, "bound"))}
	}
	switch w.Form {
	case FormBounds:
		w.Low, w.High, w.Unit = bound(), bound(), Unit(g.upTo(int(Year)))
	case FormNext, FormPrior:
		w.Last = g.duration()
	case FormAfter:
		w.First, w.Last = g.duration(), g.duration()
	}
	return w
}

func (g *gen) duration() *Duration {
	d := &Duration{}
	if g.yes("string") {
		d.Text = pick(g, "7 days", "1 mon 2 days 03:04:05.5", "-1 week", "90 minutes", "0 days", "12:00", "-0.5 hours")
		d.Interval, _ = ParseInterval(d.Text)
		return d
	}
	d.N, d.Unit = int64(rapid.IntRange(-99, 99).Draw(g.T, "count")), Unit(1+g.upTo(int(Year)-1))
	d.Interval, _ = d.Unit.Times(d.N)
	return d
}

func (g *gen) anchor() *AnchorTime {
	a := &AnchorTime{Kind: AnchorKind(g.upTo(int(AtEntity)))}
	if a.Kind == AtTime {
		a.Value = pick(g, &Literal{Kind: LitString, Text: "2020-01-31"}, &Literal{Kind: LitTime, Text: "2020-01-31 10:00"},
			&Literal{Kind: LitDate, Text: "2020-01-31"}, &Literal{Kind: LitTimestamp, Text: "2020.01.31T00:00Z"})
	}
	return a
}

func (g *gen) keys() []*Key {
	var list []*Key
	for range 1 + g.upTo(2) {
		if k := (&Key{Tuple: g.yes("tuple")}); k.Tuple {
			k.Parts = g.constants()
			list = append(list, k)
		} else {
			k.Parts = []*Literal{g.constant()}
			list = append(list, k)
		}
	}
	return list
}

func (g *gen) query() *Query {
	g.fuel = 12
	q := &Query{Target: g.expr(), Each: g.yes("each"), Entity: &Entity{Parts: g.chain(3), Star: g.yes("star")}}
	for range g.upTo(1) {
		q.Paths = append(q.Paths, &Path{Name: g.name(), Columns: g.columns()})
	}
	k := int64(1 + g.upTo(999))
	q.Spec = pick(g, nil, nil, &Spec{Kind: SpecRank, Top: &Int{N: k}, IncludingNew: g.yes("new")}, &Spec{Kind: SpecClassify},
		&Spec{Kind: SpecClassify, Top: &Int{N: k}}, &Spec{Kind: SpecForecast, Steps: &Int{N: k}})
	if g.yes("selection") {
		q.Selection = &Selection{Keys: g.keys()}
		q.Selection.Equal = len(q.Selection.Keys) == 1 && g.yes("equal")
	}
	if g.yes("where") {
		q.Where = g.expr()
	}
	if g.yes("assuming") {
		q.Assuming = g.expr()
	}
	if g.yes("at") {
		q.At = g.anchor()
	}
	return q
}

func (g *gen) options() []*Option {
	var list []*Option
	for range g.upTo(2) {
		list = append(list, &Option{Name: Name{Text: pick(g, "step", "Mask", "date", "metric")}, Value: g.value(2)})
	}
	return list
}

func (g *gen) value(depth int) Value {
	switch g.upTo(3) {
	case 0:
		return &Word{Text: pick(g, "rolling", "Frozen", "date", "both")}
	case 1:
		d := &Duration{N: int64(g.upTo(99)), Unit: Unit(1 + g.upTo(int(Year)-1))}
		d.Interval, _ = d.Unit.Times(d.N)
		return d
	case 2:
		if depth > 0 {
			return &ValueList{Values: []Value{g.value(depth - 1), g.value(depth - 1)}}
		}
	}
	return g.constant()
}

func (g *gen) statement() Statement {
	switch g.upTo(9) {
	case 0:
		c := &Create{OrReplace: g.yes("replace"), IfNotExists: g.yes("exists"), Name: g.name(), Query: g.query(), Options: g.options()}
		c.Query.At = pick(g, nil, &AnchorTime{Kind: AtEntity})
		if g.yes("type") {
			c.Type = &Name{Text: pick(g, "regression", "for_", "as")}
		}
		return c
	case 1:
		return &Create{Name: g.name(), Raw: g.raw(), Options: g.options()}
	case 2:
		return &Drop{IfExists: g.yes("exists"), Name: g.name(), Cascade: g.yes("cascade")}
	case 3:
		a := &Alter{Table: g.table()}
		for range 1 + g.upTo(2) {
			a.Actions = append(a.Actions, g.action())
		}
		return a
	case 4:
		return &Train{Name: g.name(), Options: g.options()}
	case 5:
		if g.yes("query") {
			return &Evaluate{Query: g.query(), Options: g.options()}
		}
		return &Evaluate{Name: g.name(), Options: g.options()}
	case 6:
		if g.yes("query") {
			return &ExplainStatement{Analyze: g.yes("analyze"), Query: g.query()}
		}
		return &ExplainStatement{Analyze: g.yes("analyze"), Name: g.name()}
	case 7:
		t := &PredictTask{Name: g.name(), Options: g.options()}
		if g.yes("keys") {
			t.Keys = g.keys()
			t.Single = len(t.Keys) == 1 && !t.Keys[0].Tuple && g.yes("single")
		}
		if g.yes("at") {
			t.At = g.anchor()
		}
		return t
	case 8:
		return g.show()
	}
	return g.query()
}

func (g *gen) raw() *Raw {
	body := func() *Body {
		return &Body{Text: pick(g, " SELECT 1 ", "", "$", "a $$ b $q1$ c", "$q1", "é\n")}
	}
	r := &Raw{Each: g.yes("each"), Entity: g.table(), Horizon: &Duration{Text: "7 days", Interval: Interval{Days: 7}}}
	if g.yes("to") {
		r.To, r.Top = g.table(), &Int{N: 5}
	}
	if g.yes("sql") {
		r.SQL = body()
		return r
	}
	if r.Label = body(); g.yes("entities") {
		r.Entities = body()
	}
	return r
}

func (g *gen) action() Action {
	n := g.name()
	set := &SetTime{Column: n, Day: pick(g, "", "START", "END")}
	if g.yes("until") {
		set.Until = &Name{Text: "closed"}
		set.Zone = &Literal{Kind: LitString, Text: "Europe/Berlin"}
	}
	link := &Link{Drop: g.yes("drop"), Columns: []Name{n}, Parent: g.table()}
	if link.List = g.yes("list"); link.List {
		link.Columns, link.Keys = g.names(), g.names()
	}
	return pick[Action](g, &SetKey{Columns: g.names()}, set, &DropTime{}, &SetType{Column: n, Type: Name{Text: "text"}}, link,
		&Ignore{Restore: g.yes("restore")}, &Ignore{Restore: g.yes("restore"), Column: &n})
}

func (g *gen) show() *Show {
	s := &Show{Kind: ShowKind(g.upTo(int(ShowLabels)))}
	if s.Kind >= ShowTask {
		s.Name = g.name()
	}
	switch s.Kind {
	case ShowMapping:
		s.Table = pick(g, nil, g.table())
	case ShowModel:
		s.Version = pick(g, nil, &Int{N: 3})
	case ShowLabels:
		if s.SQL = g.yes("sql"); !s.SQL {
			s.Split = pick(g, "", "TRAIN", "VAL", "TEST")
			s.At, s.Limit = pick(g, nil, g.anchor()), pick(g, nil, &Int{N: 10})
		}
	}
	return s
}

// TestStatement_printParses checks on random trees that text and normal form parse
// back.
func TestStatement_printParses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &gen{T: t}
		checkRoundTrip(t, g.statement())
	})
}
