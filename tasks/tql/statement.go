package tql

// Create is CREATE TASK with a query or, if Raw is set, with SQL bodies.
type Create struct {
	Base
	OrReplace   bool
	IfNotExists bool
	Name        Name
	Type        *Name // TYPE; nil = none
	Query       *Query
	Raw         *Raw
	Options     []*Option
}

// Raw is a task said in SQL: ENTITIES and LABEL bodies, or one SQL body over the grid.
type Raw struct {
	Loc
	Each    bool
	Entity  *Table
	To      *Table // TO table RANK TOP k; nil = none
	Top     *Int
	Horizon *Duration

	Entities *Body // nil = none
	Label    *Body
	SQL      *Body // instead of Entities and Label
}

// Body is a dollar-quoted SQL text. Its range includes the quotes, Inner is that of the
// text between them, so that places inside it can be reported.
type Body struct {
	Loc
	Inner Loc
	Text  string
}

// Drop is DROP TASK.
type Drop struct {
	Base
	IfExists bool
	Name     Name
	Cascade  bool
}

// Train is TRAIN task.
type Train struct {
	Base
	Name    Name
	Options []*Option
}

// Evaluate is EVALUATE of a query or, if Query is nil, of a task.
type Evaluate struct {
	Base
	Query   *Query
	Name    Name
	Options []*Option
}

// ExplainStatement is EXPLAIN of a query or, if Query is nil, of a task.
type ExplainStatement struct {
	Base
	Analyze bool
	Query   *Query
	Name    Name
}

// PredictTask is PREDICT TASK name: scores all eligible entities, or the keys.
type PredictTask struct {
	Base
	Name    Name
	Keys    []*Key // nil = all
	Single  bool   // FOR constant, not a list in parentheses
	At      *AnchorTime
	Options []*Option
}

func (c *Create) String() string           { return textOf(c) }
func (d *Drop) String() string             { return textOf(d) }
func (t *Train) String() string            { return textOf(t) }
func (e *Evaluate) String() string         { return textOf(e) }
func (e *ExplainStatement) String() string { return textOf(e) }
func (t *PredictTask) String() string      { return textOf(t) }
func (r *Raw) String() string              { return textOf(r) }
func (b *Body) String() string             { return textOf(b) }

func (c *Create) print(p *printer) {
	p.add("CREATE ")
	p.addIf(c.OrReplace, "OR REPLACE ")
	p.add("TASK ")
	p.addIf(c.IfNotExists, "IF NOT EXISTS ")
	p.name(c.Name)
	if c.Type != nil {
		p.add(" TYPE ")
		p.name(*c.Type)
	}
	switch {
	case c.Query != nil:
		p.add(" AS ")
		c.Query.print(p)
	case c.Raw != nil:
		p.add(" ")
		c.Raw.print(p)
	}
	p.options(c.Options)
}

func (r *Raw) print(p *printer) {
	p.add("FOR ")
	p.addIf(r.Each, "EACH ")
	if r.Entity != nil {
		r.Entity.print(p)
	}
	if r.To != nil {
		p.add(" TO ")
		r.To.print(p)
		p.add(" RANK TOP ", r.Top.String())
	}
	if r.Horizon != nil {
		p.add(" HORIZON ")
		r.Horizon.print(p)
	}
	if r.SQL != nil {
		p.add(" AS SQL ")
		r.SQL.print(p)
		return
	}
	if r.Entities != nil {
		p.add(" ENTITIES AS ")
		r.Entities.print(p)
	}
	if r.Label != nil {
		p.add(" LABEL AS ")
		r.Label.print(p)
	}
}

func (b *Body) print(p *printer) { p.dollar(b.Text) }

func (d *Drop) print(p *printer) {
	p.add("DROP TASK ")
	p.addIf(d.IfExists, "IF EXISTS ")
	p.name(d.Name)
	p.addIf(d.Cascade, " CASCADE")
}

func (t *Train) print(p *printer) {
	p.add("TRAIN ")
	p.name(t.Name)
	p.options(t.Options)
}

func (e *Evaluate) print(p *printer) {
	p.add("EVALUATE ")
	if e.Query != nil {
		e.Query.print(p)
	} else {
		p.name(e.Name)
	}
	p.options(e.Options)
}

func (e *ExplainStatement) print(p *printer) {
	p.add("EXPLAIN ")
	p.addIf(e.Analyze, "ANALYZE ")
	if e.Query != nil {
		e.Query.print(p)
		return
	}
	p.add("TASK ")
	p.name(e.Name)
}

func (t *PredictTask) print(p *printer) {
	p.add("PREDICT TASK ")
	p.name(t.Name)
	switch {
	case t.Single:
		p.add(" FOR ")
		t.Keys[0].print(p)
	case t.Keys != nil:
		p.add(" FOR (")
		p.keys(t.Keys)
		p.add(")")
	}
	if t.At != nil {
		p.add(" AT ")
		t.At.print(p)
	}
	p.options(t.Options)
}

// QueryOf returns the query that a statement is, defines, explains or evaluates; nil
// if it has none.
func QueryOf(s Statement) *Query {
	switch s := s.(type) {
	case *Query:
		return s
	case *Create:
		return s.Query
	case *ExplainStatement:
		return s.Query
	case *Evaluate:
		return s.Query
	}
	return nil
}
