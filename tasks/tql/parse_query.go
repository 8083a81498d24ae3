package tql

// query reads a query from WITH PATH or PREDICT on. task says that it defines a task.
func (p *parser) query(task bool) *Query {
	start := p.start()
	q := &Query{}
	if p.takeWords("WITH") {
		p.paths(q)
		p.resume()
	}
	if p.needWords(statementHint, "PREDICT") {
		q.Target = p.expr()
		p.spec(q)
	} else {
		p.resume()
		if p.takeWords("PREDICT") {
			q.Target = p.expr()
			p.spec(q)
		}
	}
	p.resume()
	if q.Target == nil {
		q.Target = p.bad()
	}
	p.early(q)
	p.forEach(q)
	p.clauses(q)
	if task && q.At != nil && q.At.Kind != AtEntity {
		p.soft(q.At.Loc, "TK104", "leave AT out: training anchors come from the options val_anchor, test_anchor and step. PREDICT TASK n AT ... sets the anchor of scoring.",
			"a task has no anchor of its own, only AT ENTITY TIME")
	}
	q.Loc = p.since(start)
	return q
}

func (p *parser) paths(q *Query) {
	for {
		start := p.start()
		if !p.needWords("name a path: WITH PATH p AS (t.column, ...) PREDICT ...; options stand last in WITH (...).", "PATH") {
			return
		}
		h := &Path{Name: p.name("the name of the path")}
		p.needWords("write PATH p AS (t.column, ...).", "AS")
		p.needSym("(", "write PATH p AS (t.column, ...).")
		h.Columns = p.columnList()
		h.Loc = p.since(start)
		q.Paths = append(q.Paths, h)
		if !p.takeSym(",") {
			return
		}
	}
}

// early reads clauses that stand before FOR, and says so.
func (p *parser) early(q *Query) {
	for p.isWord("WHERE", "ASSUMING") || p.isWord("AT") && p.atClause(true) {
		t := p.tok()
		if p.last != p.i {
			p.faulty = true
			p.soft(t.Loc, "TK104", clauseHint, "%s stands before FOR EACH", t.upper)
		}
		p.clause(q)
		p.resume()
	}
}

// forEach reads FOR [EACH] entity [selection].
func (p *parser) forEach(q *Query) {
	if !p.takeWords("FOR") {
		t := p.tok()
		if near, ok := Nearest(t.upper, []string{"FOR"}); ok && t.kind == tokWord && len(t.text) > 1 && !Reserved(t.text) {
			p.fault(t.Loc, "TK100", "did you mean "+near+"? "+sentence(clauseHint), "expected FOR EACH, found %s", t.found())
		} else if t.kind == tokEnd || p.isSym(";") || p.isWord("WITH") {
			p.fault(Loc{p.end(), p.end()}, "TK104", "say whom to predict for: FOR EACH table.", "FOR EACH is missing")
		} else {
			p.afterClause()
		}
		p.resume()
		if !p.takeWords("FOR") {
			return
		}
	}
	q.Each = p.takeWords("EACH")
	start := p.start()
	parts, star := p.chain("a table after FOR EACH", 3, true)
	q.Entity = &Entity{Loc: p.since(start), Parts: parts, Star: star}
	q.Selection = p.selection()
	p.resume()
}

// selection reads = key or [IS] IN (keys).
func (p *parser) selection() *Selection {
	start := p.start()
	s := &Selection{}
	switch {
	case p.takeSym("=") || p.takeSym("=="):
		s.Equal = true
		s.Keys = []*Key{p.key()}
	case p.takeWords("IS", "IN") || p.takeWords("IN"):
		p.needSym("(", "keys stand in parentheses: IN (1, 2).")
		s.Keys = p.keys()
	default:
		return nil
	}
	s.Loc = p.since(start)
	return s
}

// keys reads key {, key} [,] ).
func (p *parser) keys() []*Key {
	list := []*Key{p.key()}
	for p.takeSym(",") && !p.isSym(")") {
		list = append(list, p.key())
	}
	p.needSym(")", "close the list of keys with ).")
	return list
}

func (p *parser) key() *Key {
	start := p.start()
	k := &Key{}
	if k.Tuple = p.takeSym("("); k.Tuple {
		k.Parts = append(k.Parts, p.constant("a key"))
		for p.takeSym(",") {
			k.Parts = append(k.Parts, p.constant("a key"))
		}
		p.needSym(")", "close the parts of the key with ).")
	} else {
		k.Parts = []*Literal{p.constant("a key")}
	}
	k.Loc = p.since(start)
	return k
}

// clauses reads WHERE, ASSUMING and AT in any order, up to WITH or the end.
func (p *parser) clauses(q *Query) {
	for {
		switch {
		case p.tok().kind == tokEnd || p.isSym(";"):
			return
		case p.isWord("WITH") && p.symAt(1, "("):
			return
		case p.isWord("WHERE", "ASSUMING", "AT"):
			p.clause(q)
		case p.last == p.i: // a fault has been reported here
			p.parens = 0
			p.next()
			p.stop = true
		case p.isWord("PREDICT"):
			return // a semicolon is missing
		case p.isWord("FOR"):
			t := p.next()
			p.fault(t.Loc, "TK104", clauseHint, "%s stands twice", t.upper)
		default:
			p.afterClause()
		}
		p.resume()
	}
}

// clause reads one clause; a second one of its kind is reported and dropped.
func (p *parser) clause(q *Query) {
	t := p.next()
	switch t.upper {
	case "WHERE":
		e := p.expr()
		p.once(q.Where != nil, t.Loc, "WHERE")
		if q.Where == nil {
			q.Where, q.WhereAt = e, t.Loc
		}
	case "ASSUMING":
		e := p.expr()
		p.once(q.Assuming != nil, t.Loc, "ASSUMING")
		if q.Assuming == nil {
			q.Assuming, q.AssumingAt = e, t.Loc
		}
	case "AT":
		a := p.anchor()
		p.once(q.At != nil, t.Loc, "AT")
		if q.At == nil {
			q.At = a
		}
	}
}

// anchor reads what follows AT.
func (p *parser) anchor() *AnchorTime {
	const hint = "write AT '2020-01-31', AT 2020-01-31 14:30, AT NOW, AT LATEST or AT ENTITY TIME."
	t := p.tok()
	a := &AnchorTime{Loc: t.Loc}
	switch {
	case p.takeWords("NOW"):
		a.Kind = AtNow
	case p.takeWords("LATEST"):
		a.Kind = AtLatest
	case p.takeWords("ENTITY", "TIME"):
		a.Kind = AtEntity
	case t.kind == tokString || t.kind == tokTime || t.kind == tokBroken:
		a.Value = p.literal()
		if t.kind == tokString {
			_, err := ParseDateTime(t.text)
			p.checkString(t, err, hint)
		}
	case p.isWord("DATE", "TIMESTAMP") && p.peek(1).kind == tokString:
		a.Value = p.typedLiteral()
	default:
		p.unexpected("an anchor", hint)
		a.Kind = AtLatest
	}
	a.Loc = p.since(t.Pos)
	return a
}

// spec reads RANK, CLASSIFY, TOP or FORECAST after the target.
func (p *parser) spec(q *Query) {
	for p.isWord("RANK", "CLASSIFY", "TOP", "FORECAST") {
		s := p.oneSpec()
		switch {
		case q.Spec == nil:
			q.Spec = s
		case p.stop:
			return
		case (s.Kind == SpecForecast) != (q.Spec.Kind == SpecForecast):
			p.soft(s.Loc, "TK174", "ask for one of them.", "FORECAST does not go with RANK, CLASSIFY or TOP")
		default:
			p.once(true, s.Loc, "RANK, CLASSIFY or FORECAST")
		}
	}
}

func (p *parser) oneSpec() *Spec {
	start := p.start()
	s := &Spec{}
	switch t := p.next(); t.upper {
	case "FORECAST":
		s.Kind = SpecForecast
		s.Steps = p.integer("the number of steps")
		_ = p.takeWords("TIMEFRAMES") || p.takeWords("STEPS")
		if n := s.Steps.N; !p.stop && (n < 1 || n > 10000) {
			p.soft(s.Steps.Loc, "TK174", "FORECAST takes 1 to 10000 steps.", "FORECAST %s is out of range", p.slice(s.Steps.Loc))
		}
	case "RANK":
		s.Kind = SpecRank
		if p.takeWords("TOP") {
			s.Top = p.top()
		} else if !p.stop {
			p.soft(t.Loc, "TK171", "say how many: RANK TOP 10.", "RANK without TOP")
		}
		s.IncludingNew = p.takeWords("INCLUDING", "NEW")
	case "CLASSIFY":
		s.Kind = SpecClassify
		if p.takeWords("TOP") {
			s.Top = p.top()
		}
	case "TOP":
		s.Kind = SpecTop
		s.Top = p.top()
		if !p.stop {
			k := p.slice(s.Top.Loc)
			p.soft(p.since(start), "TK171", "write RANK TOP "+k+" or CLASSIFY TOP "+k+".", "TOP without RANK or CLASSIFY")
		}
	}
	s.Loc = p.since(start)
	return s
}

// top reads k of TOP k.
func (p *parser) top() *Int {
	k := p.integer("the number after TOP")
	if !p.stop && (k.N < 1 || k.N > 1000) {
		p.soft(k.Loc, "TK171", "TOP takes 1 to 1000.", "TOP %s is out of range", p.slice(k.Loc))
	}
	return k
}

func (p *parser) slice(l Loc) string { return p.text[l.Pos:l.End] }
