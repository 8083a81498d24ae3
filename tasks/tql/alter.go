package tql

// Alter is ALTER TABLE: it edits the mapping, never the database.
type Alter struct {
	Base
	Table   *Table
	Actions []Action
}

// An Action is one change of the mapping of a table.
type Action interface {
	Node
	action()
}

// SetKey is SET PRIMARY KEY (columns).
type SetKey struct {
	Loc
	Columns []Name
}

// SetTime is SET TIME column with its end column, time zone and day side. Day is
// START, END or empty.
type SetTime struct {
	Loc
	Column Name
	Until  *Name    // nil = none
	Zone   *Literal // a string; nil = none
	Day    string
}

// DropTime is DROP TIME.
type DropTime struct{ Loc }

// SetType is SET COLUMN column TYPE semantic type.
type SetType struct {
	Loc
	Column Name
	Type   Name
}

// Link is ADD LINK or, with Drop, DROP LINK columns -> parent (keys). List marks
// columns written in parentheses; Keys is nil if left out.
type Link struct {
	Loc
	Drop    bool
	List    bool
	Columns []Name
	Parent  *Table
	Keys    []Name
}

// Ignore is IGNORE or, with Restore, RESTORE of the table or of one column.
type Ignore struct {
	Loc
	Restore bool
	Column  *Name // nil = the table
}

func (*SetKey) action()   {}
func (*SetTime) action()  {}
func (*DropTime) action() {}
func (*SetType) action()  {}
func (*Link) action()     {}
func (*Ignore) action()   {}

func (a *Alter) String() string    { return textOf(a) }
func (a *SetKey) String() string   { return textOf(a) }
func (a *SetTime) String() string  { return textOf(a) }
func (a *DropTime) String() string { return textOf(a) }
func (a *SetType) String() string  { return textOf(a) }
func (a *Link) String() string     { return textOf(a) }
func (a *Ignore) String() string   { return textOf(a) }

func (a *Alter) print(p *printer) {
	p.add("ALTER TABLE ")
	if a.Table != nil {
		a.Table.print(p)
	}
	for i, x := range a.Actions {
		p.addIf(i > 0, ",")
		p.add(" ")
		x.print(p)
	}
}

func (a *SetKey) print(p *printer) {
	p.add("SET PRIMARY KEY ")
	p.names(a.Columns)
}

func (a *SetTime) print(p *printer) {
	p.add("SET TIME ")
	p.name(a.Column)
	if a.Until != nil {
		p.add(" UNTIL ")
		p.name(*a.Until)
	}
	if a.Zone != nil {
		p.add(" ZONE ")
		a.Zone.print(p)
	}
	if a.Day != "" {
		p.add(" DAY ", a.Day)
	}
}

func (a *DropTime) print(p *printer) { p.add("DROP TIME") }

func (a *SetType) print(p *printer) {
	p.add("SET COLUMN ")
	p.name(a.Column)
	p.add(" TYPE ")
	p.name(a.Type)
}

func (a *Link) print(p *printer) {
	if a.Drop {
		p.add("DROP LINK ")
	} else {
		p.add("ADD LINK ")
	}
	if a.List {
		p.names(a.Columns)
	} else {
		p.name(a.Columns[0])
	}
	p.add(" -> ")
	a.Parent.print(p)
	if a.Keys != nil {
		p.add(" ")
		p.names(a.Keys)
	}
}

func (a *Ignore) print(p *printer) {
	if a.Restore {
		p.add("RESTORE")
	} else {
		p.add("IGNORE")
	}
	if a.Column != nil {
		p.add(" COLUMN ")
		p.name(*a.Column)
	}
}
