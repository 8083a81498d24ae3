package tql

import (
	"fmt"
	"strings"
)

// aggregate reads AGG ( ... ) and its modifiers.
func (p *parser) aggregate(fn string) Expr {
	t := p.next()
	a := &Aggregate{Name: Name{Loc: t.Loc, Text: t.text}, Func: fn}
	p.next() // the parenthesis
	a.Distinct = p.takeWords("DISTINCT")
	p.argument(a)
	if p.takeWords("WHERE") {
		a.Where = p.expr()
	}
	p.bounds(a)
	for p.within(a) {
	}
	p.closeAggregate(a)
	for p.modifier(a) {
	}
	a.Loc = p.since(t.Pos)
	p.checkTable(a)
	return a
}

// argument reads * or t.* or an expression.
func (p *parser) argument(a *Aggregate) {
	start := p.start()
	if p.takeSym("*") {
		a.Star = &Star{Loc: p.since(start)}
		return
	}
	if n := p.starAfter(); n > 0 {
		parts, _ := p.chain("a table", 2, true)
		a.Star = &Star{Loc: p.since(start), Parts: parts}
		return
	}
	a.Arg = p.expr()
}

// starAfter returns the number of names before ".*" if the argument has that form.
func (p *parser) starAfter() int {
	if !p.tok().isName() {
		return 0
	}
	for n := 1; p.symAt(2*n-1, "."); n++ {
		if p.symAt(2*n, "*") {
			return n
		}
		if t := p.peek(2 * n); !t.isName() && t.kind != tokWord {
			return 0
		}
	}
	return 0
}

// bounds reads , bound , bound [, unit].
func (p *parser) bounds(a *Aggregate) {
	if !p.takeSym(",") {
		if t := p.tok(); t.kind == tokInt || t.kind == tokDecimal || p.isSym("-") || p.isWord("INF", "INFINITY", "UNBOUNDED") {
			p.fault(Loc{p.end(), p.end()}, "TK100", windowHint, "missing comma before the window")
		}
		return
	}
	w := &Window{Form: FormBounds}
	start := p.start()
	w.Low = p.bound(w, -1)
	if !p.takeSym(",") && !p.stop {
		p.fault(Loc{p.end(), p.end()}, "TK100", windowHint, "missing second bound of the window, found %s", p.tok().found())
	}
	w.High = p.bound(w, 1)
	w.Loc = p.since(start)
	if p.takeSym(",") {
		p.unit(w)
	}
	p.checkRange(w)
	a.Window = w
}

// bound reads one bound. unbounded is the sign of UNBOUNDED at this place.
func (p *parser) bound(w *Window, unbounded int) Bound {
	start := p.start()
	if p.takeWords("UNBOUNDED") {
		return Bound{Loc: p.since(start), Inf: unbounded}
	}
	sign := 1
	if p.isSym("-") || p.isSym("+") {
		if p.next().text == "-" {
			sign = -1
		}
	}
	t := p.tok()
	switch {
	case t.kind == tokInt:
		p.next()
		return Bound{Loc: p.since(start), N: int64(sign) * saturate(t.text)}
	case t.kind == tokDecimal:
		p.next()
		w.Bad = true
		p.soft(p.since(start), "TK116", "use a smaller unit: 0, 36, hours instead of 0, 1.5, days.", "bound %s is not a whole number", p.text[start:t.End])
		return Bound{Loc: p.since(start)}
	case p.isWord("INF", "INFINITY"):
		p.next()
		return Bound{Loc: p.since(start), Inf: sign}
	case t.kind == tokBroken:
		p.next()
		w.Bad, p.faulty = true, true
		return Bound{Loc: p.since(start)}
	}
	p.unexpected("a bound of the window", windowHint)
	return Bound{Loc: Loc{start, start}}
}

// unit reads the unit of the bounds.
func (p *parser) unit(w *Window) {
	t := p.tok()
	if t.kind != tokWord && t.kind != tokString && t.kind != tokDouble {
		p.unexpected("a unit", unitHint(""))
		return
	}
	p.next()
	u, ok := parseUnit(t.text)
	if !ok || t.kind != tokWord {
		w.Bad = true
		p.soft(t.Loc, "TK110", unitHint(t.text), "unknown unit %s", p.text[t.Pos:t.End])
		return
	}
	w.Unit = u
}

// checkRange reports bounds beyond the calendar.
func (p *parser) checkRange(w *Window) {
	unit := w.Unit
	if unit == NoUnit {
		unit = Day
	}
	for _, b := range []Bound{w.Low, w.High} {
		if _, err := unit.Times(b.N); err != nil && !w.Bad {
			w.Bad = true
			p.soft(b.Loc, "TK106", "for a window without start write -INF.", "bound out of range: %v", err)
		}
	}
}

// closeAggregate reads the closing parenthesis; what stands there instead may be a
// unit without its comma.
func (p *parser) closeAggregate(a *Aggregate) {
	hint := "close the aggregate with )."
	if t := p.tok(); t.kind == tokWord && a.Window != nil && a.Window.Unit == NoUnit {
		if _, ok := parseUnit(t.text); ok {
			hint = "the unit follows a comma: 0, 30, " + strings.ToLower(t.text) + "."
		}
	}
	if p.isSym(",") && a.Window != nil {
		p.unexpected(`")"`, "after the unit only VIA and TIME may follow; "+hint)
		return
	}
	p.needSym(")", hint)
}

// within reads VIA or TIME.
func (p *parser) within(a *Aggregate) bool {
	start := p.start()
	switch {
	case p.takeWords("VIA"):
		cols := p.columns()
		p.once(a.Via != nil, Loc{start, start + len("VIA")}, "VIA")
		if a.Via == nil {
			a.Via = &Via{p.since(start), cols}
		}
	case p.takeWords("TIME"):
		c := p.column()
		p.once(a.Time != nil, Loc{start, start + len("TIME")}, "TIME")
		if a.Time == nil {
			a.Time = c
		}
	default:
		return false
	}
	return true
}

// once reports a clause or modifier that is there already; the first one counts.
func (p *parser) once(repeated bool, at Loc, what string) {
	if repeated && !p.stop {
		p.faulty = true
		p.soft(at, "TK104", "write it once; conditions are joined by AND.", "%s stands twice", what)
	}
}

// modifier reads what may follow the parenthesis of an aggregate.
func (p *parser) modifier(a *Aggregate) bool {
	start, word := p.start(), p.tok().Loc
	switch {
	case p.takeWords("FROM"):
		t := p.table("a table after FROM")
		p.once(a.From != nil, word, "FROM")
		if a.From == nil {
			a.From = t
		}
	case p.takeWords("FILTER"):
		p.needSym("(", "write FILTER (WHERE condition).")
		p.needWords("write FILTER (WHERE condition).", "WHERE")
		e := p.expr()
		p.needSym(")", "close FILTER with ).")
		p.once(a.Filter != nil, word, "FILTER")
		if a.Filter == nil {
			a.Filter = e
		}
	case p.takeWords("OVER"):
		p.over(a, word)
	case p.takeWords("ON", "EMPTY"):
		o := &OnEmpty{}
		if o.Skip = p.takeWords("SKIP"); !o.Skip {
			o.Value = p.constant("SKIP or a constant")
		}
		o.Loc = p.since(start)
		p.once(a.OnEmpty != nil, word, "ON EMPTY")
		if a.OnEmpty == nil {
			a.OnEmpty = o
		}
	default:
		return p.within(a)
	}
	return true
}

// over reads ( span ) after OVER.
func (p *parser) over(a *Aggregate, word Loc) {
	const hint = "write OVER (NEXT '7 days'), OVER (PRIOR '7 days'), OVER (ALL PRIOR) or OVER (AFTER '1 day' THROUGH '7 days')."
	p.needSym("(", hint)
	w := &Window{}
	start := p.start()
	switch {
	case p.takeWords("NEXT"):
		w.Form, w.Last = FormNext, p.duration(w)
	case p.takeWords("PRIOR"):
		w.Form, w.Last = FormPrior, p.duration(w)
	case p.takeWords("ALL", "PRIOR"):
		w.Form = FormAllPrior
	case p.takeWords("AFTER"):
		w.Form, w.First = FormAfter, p.duration(w)
		p.needWords(hint, "THROUGH")
		w.Last = p.duration(w)
	default:
		p.unexpected("a window", hint)
		w.Form = FormAllPrior
	}
	w.Loc = p.since(start)
	p.needSym(")", hint)
	if a.Window != nil {
		if !p.stop {
			p.soft(word, "TK118", "give the window once: inside the parentheses (0, 30, days) or in OVER.", "window of %s given twice", a.Func)
		}
		return
	}
	a.Window = w
}

// duration reads a string or [-] INT unit. A fault in it marks the window, if any.
func (p *parser) duration(w *Window) *Duration {
	start, faulty := p.start(), p.faulty
	d := &Duration{}
	ok := true
	if t := p.tok(); t.kind == tokString {
		p.next()
		iv, err := ParseInterval(t.text)
		ok = p.checkString(t, err, intervalHint)
		d.Text, d.Interval = t.text, iv
	} else {
		ok = p.countedUnit(d)
	}
	d.Loc = p.since(start)
	if w != nil && !ok && !p.stop {
		w.Bad, p.faulty = true, faulty // the mark says it, the rest is whole
	}
	return d
}

// countedUnit reads [-] INT unit.
func (p *parser) countedUnit(d *Duration) bool {
	const hint = "write a length of time as '7 days' or 7 days."
	start, sign := p.start(), int64(1)
	if p.isSym("-") && p.peek(1).kind == tokInt {
		p.next()
		sign = -1
	}
	t := p.tok()
	if t.kind != tokInt {
		p.unexpected("a length of time", hint)
		return false
	}
	p.next()
	d.N = sign * saturate(t.text)
	word := p.tok()
	if word.kind != tokWord {
		p.unexpected("a unit", hint)
		return false
	}
	p.next()
	unit, ok := parseUnit(word.text)
	if !ok {
		p.faulty = true
		d.Unit = Day
		p.soft(word.Loc, "TK110", unitHint(word.text), "unknown unit %q", word.text)
		return false
	}
	d.Unit = unit
	iv, err := unit.Times(d.N)
	if err != nil {
		p.faulty = true
		p.soft(p.since(start), "TK106", "for a window without start write OVER (ALL PRIOR).", "length of time out of range: %v", err)
		return false
	}
	d.Interval = iv
	return true
}

// checkTable reports an aggregate that names its table nowhere.
func (p *parser) checkTable(a *Aggregate) {
	if p.stop || len(a.Table()) > 0 {
		return
	}
	otherFault := false // a nested aggregate is the greater fault
	Inspect(a.Arg, func(e Expr) bool {
		switch e.(type) {
		case *Aggregate, *Bad:
			otherFault = true
		}
		return !otherFault
	})
	if otherFault {
		return
	}
	var at Loc
	what := "*"
	if a.Star != nil {
		at = a.Star.Loc
	} else {
		at = a.Arg.Range()
		what = p.text[at.Pos:at.End]
	}
	p.soft(at, "TK118", fmt.Sprintf("name the table: %s(t.%s, 0, 30, days) or %s(%s) FROM t OVER (NEXT '30 days').", a.Func, what, a.Func, what),
		"the table of %s is not named", a.Func)
}
