package tql

import (
	"math"
	"strconv"
)

// name reads a name; what describes it in a message. After a fault it is empty.
func (p *parser) name(what string) Name {
	t := p.tok()
	if p.reservedName() {
		return p.part()
	}
	if !t.isName() {
		if t.kind != tokStop {
			p.nameFault(what)
		}
		return Name{Loc: Loc{t.Pos, t.Pos}}
	}
	if t.text == "" {
		p.fault(t.Loc, "TK100", "a quoted name holds at least one character.", "empty name, expected %s", what)
		return Name{Loc: t.Loc}
	}
	p.next()
	return Name{Loc: t.Loc, Text: t.text, Quoted: t.kind != tokWord}
}

// part reads a name after a dot, where every word is one.
func (p *parser) part() Name {
	if t := p.tok(); t.kind == tokWord {
		p.next()
		return Name{Loc: t.Loc, Text: t.text}
	}
	return p.name("a name after the dot")
}

// chain reads name {"." name}, at most most names. If star is set it also reads a final
// ".*" and reports it.
func (p *parser) chain(what string, most int, star bool) (parts []Name, starred bool) {
	start := p.start()
	parts = append(parts, p.name(what))
	for p.isSym(".") {
		p.next()
		if star && p.takeSym("*") {
			starred = true
			break
		}
		parts = append(parts, p.part())
	}
	if len(parts) > most && !p.stop {
		p.fault(p.since(start), "TK100", "a table is named table or schema.table, a column table.column or schema.table.column.",
			"name of %d parts, want at most %d", len(parts), most)
		parts = parts[:most]
	}
	return parts, starred
}

func (p *parser) table(what string) *Table {
	start := p.start()
	parts, _ := p.chain(what, 2, false)
	return &Table{Loc: p.since(start), Parts: parts}
}

// column reads a column chain with its arrows.
func (p *parser) column() *Column {
	start := p.start()
	parts, starred := p.chain("a column", 3, true)
	if starred {
		p.fault(p.since(start), "TK100", "t.* counts rows: COUNT(t.*, 0, 30, days) or EXISTS(t.*, 0, 30, days).", "* stands only for the rows of an aggregate")
	}
	c := &Column{Parts: parts}
	for p.takeSym("->") {
		c.Follow = append(c.Follow, p.name("a column after the arrow"))
	}
	c.Loc = p.since(start)
	return c
}

// columns reads one column, or several in parentheses.
func (p *parser) columns() []*Column {
	if !p.takeSym("(") {
		return []*Column{p.column()}
	}
	return p.columnList()
}

// columnList reads columns up to the closing parenthesis.
func (p *parser) columnList() []*Column {
	list := []*Column{p.column()}
	for p.takeSym(",") {
		list = append(list, p.column())
	}
	p.needSym(")", "close the list of columns.")
	return list
}

// names reads names in parentheses.
func (p *parser) names(what string) []Name {
	p.needSym("(", "names stand in parentheses: (a, b).")
	list := []Name{p.name(what)}
	for p.takeSym(",") {
		list = append(list, p.name(what))
	}
	p.needSym(")", "close the list of names.")
	return list
}

// integer reads a whole number with an optional sign; too large ones saturate.
func (p *parser) integer(what string) *Int {
	start := p.start()
	sign := int64(1)
	if p.isSym("-") && p.peek(1).kind == tokInt {
		p.next()
		sign = -1
	}
	t := p.tok()
	if t.kind != tokInt {
		p.unexpected(what, "write "+what+" without quotes.")
		return &Int{Loc: Loc{start, start}}
	}
	p.next()
	return &Int{Loc: p.since(start), N: sign * saturate(t.text)}
}

// saturate reads digits; beyond 64 bits it gives the largest number.
func saturate(digits string) int64 {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return math.MaxInt64
	}
	return n
}
