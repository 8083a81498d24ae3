package tql

// Anchor is the word ANCHOR: the anchor as a value.
type Anchor struct{ Loc }

func (a *Anchor) String() string        { return textOf(a) }
func (*Anchor) prec() int               { return precPrimary }
func (*Anchor) children() []Expr        { return nil }
func (a *Anchor) canon(canonScope) Expr { return a }
func (*Anchor) print(p *printer)        { p.add("ANCHOR") }

// Logic joins two or more conditions by one operator, "AND" or "OR".
type Logic struct {
	Loc
	Op    string
	Terms []Expr
}

func (l *Logic) String() string   { return textOf(l) }
func (l *Logic) children() []Expr { return l.Terms }

func (l *Logic) prec() int {
	if l.Op == "OR" {
		return precOr
	}
	return precAnd
}

func (l *Logic) print(p *printer) {
	for i, t := range l.Terms {
		if i > 0 {
			p.add(" ", l.Op, " ")
		}
		p.expr(t, l.prec()+1)
	}
}

func (l *Logic) canon(s canonScope) Expr {
	out := &Logic{Loc: l.Loc, Op: l.Op}
	for _, t := range l.Terms {
		t = t.canon(s)
		if in, ok := t.(*Logic); ok && in.Op == l.Op {
			out.Terms = append(out.Terms, in.Terms...)
			continue
		}
		out.Terms = append(out.Terms, t)
	}
	return out
}

// Not negates a condition.
type Not struct {
	Loc
	X Expr
}

func (n *Not) String() string          { return textOf(n) }
func (*Not) prec() int                 { return precNot }
func (n *Not) children() []Expr        { return []Expr{n.X} }
func (n *Not) canon(s canonScope) Expr { return &Not{n.Loc, n.X.canon(s)} }

func (n *Not) print(p *printer) {
	p.add("NOT ")
	p.expr(n.X, precNot)
}

// Sign is a sign before an operand; Op is "-" or "+".
type Sign struct {
	Loc
	Op string
	X  Expr
}

func (g *Sign) String() string   { return textOf(g) }
func (*Sign) prec() int          { return precSign }
func (g *Sign) children() []Expr { return []Expr{g.X} }

func (g *Sign) canon(s canonScope) Expr {
	if g.Op == "+" {
		return g.X.canon(s)
	}
	return &Sign{g.Loc, g.Op, g.X.canon(s)}
}

func (g *Sign) print(p *printer) {
	p.add(g.Op)
	if _, ok := g.X.(*Sign); ok {
		p.add(" ") // two minus signs in a row begin a comment
	}
	p.expr(g.X, precSign)
}

// Arith is an arithmetic operation; Op is "+", "-", "*" or "/".
type Arith struct {
	Loc
	Op   string
	X, Y Expr
}

func (a *Arith) String() string   { return textOf(a) }
func (a *Arith) children() []Expr { return []Expr{a.X, a.Y} }

func (a *Arith) prec() int {
	if a.Op == "+" || a.Op == "-" {
		return precSum
	}
	return precTerm
}

func (a *Arith) print(p *printer) {
	p.expr(a.X, a.prec())
	p.add(" ", a.Op, " ")
	p.expr(a.Y, a.prec()+1)
}

func (a *Arith) canon(s canonScope) Expr {
	return &Arith{a.Loc, a.Op, a.X.canon(s), a.Y.canon(s)}
}

// Call applies a function. Func is its name in lower case, empty if there is no such
// function (reported as TK108).
type Call struct {
	Loc
	Name Name
	Func string
	Args []Expr
}

func (c *Call) String() string   { return textOf(c) }
func (*Call) prec() int          { return precPrimary }
func (c *Call) children() []Expr { return c.Args }

func (c *Call) print(p *printer) {
	p.add(c.Name.Text, "(")
	for i, a := range c.Args {
		if i > 0 {
			p.add(", ")
		}
		p.expr(a, precOr)
	}
	p.add(")")
}

func (c *Call) canon(s canonScope) Expr {
	out := &Call{Loc: c.Loc, Name: Name{Loc: c.Name.Loc, Text: c.Func}, Func: c.Func}
	for _, a := range c.Args {
		out.Args = append(out.Args, a.canon(s))
	}
	return out
}
