package tql

// Name is an identifier. Text is the name without quotes; Quoted names match exactly,
// others as written, folded, or without regard to case.
type Name struct {
	Loc
	Text   string
	Quoted bool
}

func (n *Name) String() string   { return textOf(n) }
func (n *Name) print(p *printer) { p.name(*n) }

// Column is a column chain such as orders.item_id->category. Parts has one to three
// names (column; table, column; schema, table, column); Follow has the names after
// the arrows: each is a column of the parent row reached so far.
type Column struct {
	Loc
	Parts  []Name
	Follow []Name
}

func (c *Column) String() string { return textOf(c) }
func (*Column) prec() int        { return precPrimary }
func (*Column) children() []Expr { return nil }

func (c *Column) print(p *printer) {
	// a lone "x" could be read as a string, a lone `x` never is
	if len(c.Parts) == 1 && len(c.Follow) == 0 && c.Parts[0].Quoted {
		p.quoted('`', c.Parts[0].Text)
		return
	}
	p.chain(c.Parts)
	for _, f := range c.Follow {
		p.add(" -> ")
		p.name(f)
	}
}

func (c *Column) canon(s canonScope) Expr {
	if len(c.Parts) != 1 || len(s.table) == 0 {
		return c
	}
	parts := append(append([]Name(nil), s.table...), c.Parts[0])
	return &Column{Loc: c.Loc, Parts: parts, Follow: c.Follow}
}

// Star is the argument of COUNT(t.*): Parts names the table (none, table, or schema
// and table).
type Star struct {
	Loc
	Parts []Name
}

func (s *Star) String() string { return textOf(s) }

func (s *Star) print(p *printer) {
	if len(s.Parts) > 0 {
		p.chain(s.Parts)
		p.add(".")
	}
	p.add("*")
}

// Table is a table name: table, or schema and table.
type Table struct {
	Loc
	Parts []Name
}

func (t *Table) String() string   { return textOf(t) }
func (t *Table) print(p *printer) { p.chain(t.Parts) }
