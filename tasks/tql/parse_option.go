package tql

// with reads WITH (name = value, ...), if it follows.
func (p *parser) with() []*Option {
	if p.stop || !p.isWord("WITH") {
		return nil
	}
	const hint = "options have the form WITH (name = value, name = value)."
	p.next()
	p.needSym("(", hint)
	var list []*Option
	for {
		start := p.start()
		o := &Option{Name: *p.word("the name of an option")}
		p.needSym("=", hint)
		o.Value = p.value()
		o.Loc = p.since(start)
		if !p.stop {
			list = append(list, o)
		}
		if !p.takeSym(",") {
			break
		}
	}
	p.needSym(")", hint)
	return list
}

// value reads the value of an option.
func (p *parser) value() Value {
	defer p.leave()
	start := p.start()
	if !p.enter() {
		return &Word{Loc: Loc{start, start}}
	}
	t := p.tok()
	switch {
	case t.kind == tokInt && p.peek(1).kind == tokWord && !p.symAt(2, "="):
		d := &Duration{}
		p.countedUnit(d)
		d.Loc = p.since(start)
		return d
	case p.takeSym("("):
		v := &ValueList{Values: []Value{p.value()}}
		for p.takeSym(",") {
			v.Values = append(v.Values, p.value())
		}
		p.needSym(")", "close the list of values with ).")
		v.Loc = p.since(start)
		return v
	case t.kind == tokWord && !Reserved(t.text) && !(p.isWord("DATE", "TIMESTAMP", "INTERVAL") && p.peek(1).kind == tokString):
		p.next()
		return &Word{Loc: t.Loc, Text: t.text}
	}
	return p.constant("a value")
}
