package tql

// Compare is a comparison; Op is one of = <> < <= > >= (== and != are read as = and
// <>), and At is where the operator stands.
type Compare struct {
	Loc
	Op   string
	At   Loc
	X, Y Expr
}

func (c *Compare) String() string   { return textOf(c) }
func (*Compare) prec() int          { return precTest }
func (c *Compare) children() []Expr { return []Expr{c.X, c.Y} }

func (c *Compare) print(p *printer) {
	p.expr(c.X, precSum)
	p.add(" ", c.Op, " ")
	p.expr(c.Y, precSum)
}

func (c *Compare) canon(s canonScope) Expr {
	return &Compare{c.Loc, c.Op, c.At, c.X.canon(s), c.Y.canon(s)}
}

// Match is a text test; Op is LIKE, ILIKE, CONTAINS, STARTS WITH or ENDS WITH.
type Match struct {
	Loc
	Op   string
	At   Loc // the operator
	Not  bool
	X, Y Expr
}

func (m *Match) String() string   { return textOf(m) }
func (*Match) prec() int          { return precTest }
func (m *Match) children() []Expr { return []Expr{m.X, m.Y} }

func (m *Match) print(p *printer) {
	p.expr(m.X, precSum)
	p.add(" ")
	p.addIf(m.Not, "NOT ")
	p.add(m.Op, " ")
	p.expr(m.Y, precSum)
}

func (m *Match) canon(s canonScope) Expr {
	return &Match{m.Loc, m.Op, m.At, m.Not, m.X.canon(s), m.Y.canon(s)}
}

// Between is X [NOT] BETWEEN Low AND High, both ends included.
type Between struct {
	Loc
	Not          bool
	X, Low, High Expr
}

func (b *Between) String() string   { return textOf(b) }
func (*Between) prec() int          { return precTest }
func (b *Between) children() []Expr { return []Expr{b.X, b.Low, b.High} }

func (b *Between) print(p *printer) {
	p.expr(b.X, precSum)
	p.add(" ")
	p.addIf(b.Not, "NOT ")
	p.add("BETWEEN ")
	p.expr(b.Low, precSum)
	p.add(" AND ")
	p.expr(b.High, precSum)
}

func (b *Between) canon(s canonScope) Expr {
	return &Between{b.Loc, b.Not, b.X.canon(s), b.Low.canon(s), b.High.canon(s)}
}

// In is X [NOT] IN (list). Is marks the spelling X IS [NOT] IN (list), which like all
// tests with IS is never unknown.
type In struct {
	Loc
	X    Expr
	Is   bool
	Not  bool
	List []*Literal
}

func (n *In) String() string   { return textOf(n) }
func (*In) prec() int          { return precTest }
func (n *In) children() []Expr { return []Expr{n.X} }

func (n *In) print(p *printer) {
	p.expr(n.X, precSum)
	p.addIf(n.Is, " IS")
	p.addIf(n.Not, " NOT")
	p.add(" IN (")
	for i, l := range n.List {
		p.addIf(i > 0, ", ")
		l.print(p)
	}
	p.add(")")
}

func (n *In) canon(s canonScope) Expr {
	out := &In{Loc: n.Loc, X: n.X.canon(s), Is: n.Is, Not: n.Not}
	for _, l := range n.List {
		out.List = append(out.List, l.normal())
	}
	return out
}

// Is is X IS [NOT] constant: equality that is never unknown.
type Is struct {
	Loc
	X     Expr
	Not   bool
	Value *Literal
}

func (i *Is) String() string   { return textOf(i) }
func (*Is) prec() int          { return precTest }
func (i *Is) children() []Expr { return []Expr{i.X} }

func (i *Is) print(p *printer) {
	p.expr(i.X, precSum)
	p.add(" IS ")
	p.addIf(i.Not, "NOT ")
	i.Value.print(p)
}

func (i *Is) canon(s canonScope) Expr {
	return &Is{i.Loc, i.X.canon(s), i.Not, i.Value.normal()}
}
