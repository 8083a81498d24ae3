package tql

const alterHint = "the changes are SET PRIMARY KEY (..), SET TIME c, DROP TIME, SET COLUMN c TYPE t, ADD LINK c -> t, DROP LINK c -> t, IGNORE and RESTORE."

func (p *parser) alter() Statement {
	p.next()
	p.needWords("write ALTER TABLE name SET TIME column.", "TABLE")
	a := &Alter{Table: p.table("a table")}
	for {
		if x := p.action(); x != nil {
			a.Actions = append(a.Actions, x)
		}
		if !p.takeSym(",") {
			return a
		}
	}
}

// action reads one change; nil after a fault.
func (p *parser) action() Action {
	start := p.start()
	var act Action
	switch {
	case p.takeWords("SET", "PRIMARY"):
		p.needWords(alterHint, "KEY")
		cols := p.names("a column")
		act = &SetKey{p.since(start), cols}
	case p.takeWords("SET", "TIME"):
		act = p.setTime(start)
	case p.takeWords("DROP", "TIME"):
		act = &DropTime{p.since(start)}
	case p.takeWords("SET", "COLUMN"):
		col := p.name("a column")
		p.needWords("write SET COLUMN c TYPE categorical.", "TYPE")
		typ := p.word("a semantic type")
		act = &SetType{p.since(start), col, *typ}
	case p.isWord("ADD", "DROP") && p.wordAt(1, "LINK"):
		act = p.link(start)
	case p.isWord("IGNORE", "RESTORE"):
		i := &Ignore{Restore: p.next().upper == "RESTORE"}
		if p.takeWords("COLUMN") {
			col := p.name("a column")
			i.Column = &col
		}
		i.Loc = p.since(start)
		act = i
	default:
		p.unexpected("a change of the table", alterHint)
	}
	if p.stop {
		return nil
	}
	return act
}

// setTime reads column [UNTIL name] [ZONE string] [DAY START | END].
func (p *parser) setTime(start int) *SetTime {
	s := &SetTime{Column: p.name("a time column")}
	if p.takeWords("UNTIL") {
		n := p.name("the end column")
		s.Until = &n
	}
	if p.takeWords("ZONE") {
		if t := p.tok(); t.kind == tokString {
			s.Zone = p.literal()
		} else {
			p.unexpected("a time zone", "write ZONE 'Europe/Berlin'.")
		}
	}
	if p.takeWords("DAY") {
		if p.isWord("START", "END") {
			s.Day = p.next().upper
		} else {
			p.unexpected("START or END", "write DAY START or DAY END.")
		}
	}
	s.Loc = p.since(start)
	return s
}

// link reads (ADD | DROP) LINK columns -> table [names].
func (p *parser) link(start int) *Link {
	l := &Link{Drop: p.next().upper == "DROP"}
	p.next()
	if l.List = p.isSym("("); l.List {
		l.Columns = p.names("a column")
	} else {
		l.Columns = []Name{p.name("a column")}
	}
	p.needSym("->", "write ADD LINK column -> table.")
	l.Parent = p.table("the table the link leads to")
	if p.isSym("(") {
		l.Keys = p.names("a column")
	}
	l.Loc = p.since(start)
	return l
}
