package tql

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// continuing symbols show that the name before them does not stand alone.
var continuing = []string{".", "->", "+", "-", "*", "/"}

// comparison maps the symbols of comparisons to their operator.
var comparison = map[string]string{
	"=": "=", "==": "=", "!=": "<>", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
}

func (p *parser) expr() Expr {
	defer p.leave()
	if !p.enter() {
		return p.bad()
	}
	return p.logic("OR", func() Expr { return p.logic("AND", p.negation) })
}

// logic reads operand {op operand}.
func (p *parser) logic(op string, operand func() Expr) Expr {
	start := p.start()
	first := operand()
	if !p.isWord(op) {
		return first
	}
	l := &Logic{Op: op, Terms: []Expr{first}}
	for p.takeWords(op) {
		l.Terms = append(l.Terms, operand())
	}
	l.Loc = p.since(start)
	return l
}

func (p *parser) negation() Expr {
	if !p.isWord("NOT") {
		return p.test()
	}
	defer p.leave()
	if !p.enter() {
		return p.bad()
	}
	start := p.start()
	p.next()
	n := &Not{X: p.negation()}
	n.Loc = p.since(start)
	return n
}

// test reads sum [relation].
func (p *parser) test() Expr {
	start := p.start()
	x := p.sum()
	t := p.tok()
	var e Expr
	switch op := comparison[t.text]; {
	case t.kind == tokSymbol && op != "":
		p.next()
		y := p.operand()
		e = &Compare{p.since(start), op, t.Loc, x, y}
	case p.isWord("IS"):
		e = p.is(start, x)
	default:
		not := p.isWord("NOT") && p.wordAt(1, "BETWEEN", "IN", "LIKE", "ILIKE", "CONTAINS", "STARTS", "ENDS")
		if not {
			p.next()
		}
		if e = p.wordRelation(start, x, not); e == nil {
			return x
		}
	}
	p.chained()
	return e
}

// wordRelation reads BETWEEN, IN and the text tests; nil if none follows.
func (p *parser) wordRelation(start int, x Expr, not bool) Expr {
	at := p.tok().Loc
	switch {
	case p.takeWords("BETWEEN"):
		low := p.operand()
		p.needWords("BETWEEN takes two bounds: x BETWEEN 1 AND 5.", "AND")
		high := p.operand()
		return &Between{p.since(start), not, x, low, high}
	case p.takeWords("IN"):
		list := p.list()
		return &In{Loc: p.since(start), X: x, Not: not, List: list}
	}
	for _, op := range []string{"LIKE", "ILIKE", "CONTAINS", "STARTS WITH", "ENDS WITH"} {
		if p.takeWords(strings.Fields(op)...) {
			at.End = p.end()
			y := p.operand()
			return &Match{p.since(start), op, at, not, x, y}
		}
	}
	if not || p.isWord("STARTS", "ENDS") {
		p.next()
		p.unexpected("WITH", "write x STARTS WITH 'text' or x ENDS WITH 'text'.")
		return p.bad()
	}
	return nil
}

func (p *parser) is(start int, x Expr) Expr {
	p.next()
	not := p.takeWords("NOT")
	if p.takeWords("IN") {
		list := p.list()
		return &In{Loc: p.since(start), X: x, Is: true, Not: not, List: list}
	}
	c := p.constant("NULL, TRUE, FALSE or a constant")
	return &Is{p.since(start), x, not, c}
}

// list reads constants in parentheses.
func (p *parser) list() []*Literal {
	p.needSym("(", "IN takes constants in parentheses: IN ('a', 'b').")
	list := []*Literal{p.constant("a constant")}
	for p.takeSym(",") && !p.isSym(")") {
		list = append(list, p.constant("a constant"))
	}
	p.needSym(")", "close the list; constants are separated by commas.")
	return list
}

// operand reads the right side of a relation, where a double-quoted text that stands
// alone is a string.
func (p *parser) operand() Expr {
	if p.tok().kind == tokDouble {
		if next := p.peek(1); next.kind != tokSymbol || !slices.Contains(continuing, next.text) {
			return p.doubleString()
		}
	}
	return p.sum()
}

// doubleString reads a double-quoted text as a string, with a notice.
func (p *parser) doubleString() *Literal {
	t := p.next()
	p.notice(t)
	return &Literal{Loc: t.Loc, Kind: LitString, Text: t.text}
}

func (p *parser) sum() Expr  { return p.arith("+", "-", p.term) }
func (p *parser) term() Expr { return p.arith("*", "/", p.factor) }

// arith reads operand {op operand}, grouped from the left.
func (p *parser) arith(op1, op2 string, operand func() Expr) Expr {
	start := p.start()
	x := operand()
	for n := 1; p.isSym(op1) || p.isSym(op2); n++ {
		if n > maxDepth {
			p.fault(p.tok().Loc, "TK199", "split the expression, or write raw SQL.", "chain of more than %d operations", maxDepth)
			break
		}
		op := p.next().text
		y := operand()
		x = &Arith{p.since(start), op, x, y}
	}
	return x
}

func (p *parser) factor() Expr {
	if !p.isSym("-") && !p.isSym("+") {
		return p.primary()
	}
	defer p.leave()
	if !p.enter() {
		return p.bad()
	}
	start := p.start()
	op := p.next().text
	g := &Sign{Op: op, X: p.factor()}
	g.Loc = p.since(start)
	return g
}

func (p *parser) primary() Expr {
	if l := p.literal(); l != nil {
		return l
	}
	t := p.tok()
	switch {
	case p.isWord("ANCHOR"):
		p.next()
		return &Anchor{t.Loc}
	case p.isSym("("):
		p.next()
		e := p.expr()
		p.needSym(")", "close the parenthesis with ).")
		return e
	case t.kind == tokWord && !Reserved(t.text) && p.symAt(1, "("):
		return p.call()
	case t.isName() && t.text != "":
		return p.column()
	case t.kind == tokWord && Reserved(t.text) && (p.symAt(1, ".") || p.symAt(1, "->") || comparison[p.peek(1).text] != "" && p.peek(1).kind == tokSymbol):
		return p.column() // which reports the reserved word
	default:
		p.unexpected("an expression", expressionHint(t))
	}
	return p.bad()
}

func expressionHint(t token) string {
	if t.kind == tokSymbol && t.text == "*" {
		return "* stands only for the rows of an aggregate: COUNT(t.*, 0, 30, days)."
	}
	return "an expression is a column, a constant, an aggregate such as COUNT(t.*, 0, 30, days), or made of these."
}

// call reads a word before a parenthesis: an aggregate or a function.
func (p *parser) call() Expr {
	defer p.leave()
	if !p.enter() {
		return p.bad()
	}
	t := p.tok()
	fn := strings.ToLower(t.upper)
	for _, a := range aggregates {
		if a == fn {
			return p.aggregate(fn)
		}
	}
	c := &Call{Name: Name{Loc: t.Loc, Text: t.text}}
	if _, ok := functions[fn]; ok {
		c.Func = fn
	} else if _, sql := sqlWay[t.upper]; sql {
		p.explain("")
		return p.bad()
	} else {
		p.soft(t.Loc, "TK108", functionHint(t.text), "unknown function %q", t.text)
	}
	p.next()
	p.next()
	if c.Func == "" {
		p.skipUnknown()
	} else {
		c.Args = p.arguments()
	}
	p.needSym(")", "close the arguments with ).")
	c.Loc = p.since(t.Pos)
	return c
}

func (p *parser) arguments() []Expr {
	args := []Expr{p.expr()}
	for p.takeSym(",") {
		args = append(args, p.expr())
	}
	return args
}

// skipUnknown moves over the arguments of an unknown function, which may have been
// meant as an aggregate, up to its closing parenthesis.
func (p *parser) skipUnknown() {
	p.faulty = true
	for depth := 0; p.tok().kind != tokEnd && !p.isSym(";"); p.next() {
		switch {
		case p.isSym("("):
			depth++
		case p.isSym(")") && depth == 0, p.isWord("FOR", "PREDICT", "ASSUMING"):
			return
		case p.isSym(")"):
			depth--
		}
	}
}

func functionHint(name string) string {
	list := "functions: " + strings.Join(callable(), ", ") + "."
	if near, ok := Nearest(name, callable()); ok {
		return fmt.Sprintf("did you mean %q? ", near) + sentence(list)
	}
	return list
}

// literal reads a literal; nil if none follows.
func (p *parser) literal() *Literal {
	t := p.tok()
	kind := LitNull
	switch {
	case t.kind == tokInt:
		kind = LitInt
	case t.kind == tokDecimal:
		kind = LitDecimal
	case t.kind == tokString:
		kind = LitString
	case t.kind == tokTime:
		kind = LitTime
	case t.kind == tokBroken:
		p.faulty = true // reported by the lexer
	case p.isWord("TRUE", "FALSE"):
		kind = LitBool
	case p.isWord("NULL"):
	case p.isWord("DATE", "TIMESTAMP", "INTERVAL") && p.peek(1).kind == tokString:
		return p.typedLiteral()
	default:
		return nil
	}
	p.next()
	text := t.text
	switch kind {
	case LitNull:
		text = "NULL"
	case LitBool:
		text = t.upper
	}
	return &Literal{Loc: t.Loc, Kind: kind, Text: text}
}

// typedLiteral reads DATE, TIMESTAMP or INTERVAL and a string, and checks the string.
func (p *parser) typedLiteral() *Literal {
	word := p.next()
	t := p.next()
	l := &Literal{Loc: Loc{word.Pos, t.End}, Text: t.text}
	switch word.upper {
	case "DATE":
		l.Kind = LitDate
		d, err := ParseDateTime(t.text)
		if err == nil && (d.HasTime || d.HasZone) {
			err = fmt.Errorf("%q is more than a date", t.text)
		}
		p.checkString(t, err, "write DATE '2020-01-31', or TIMESTAMP '2020-01-31 14:30:00'.")
	case "TIMESTAMP":
		l.Kind = LitTimestamp
		_, err := ParseDateTime(t.text)
		p.checkString(t, err, "write TIMESTAMP '2020-01-31 14:30:00', optionally with an offset: +02.")
	case "INTERVAL":
		l.Kind = LitInterval
		_, err := ParseInterval(t.text)
		p.checkString(t, err, intervalHint)
	}
	return l
}

const intervalHint = "intervals are written '7 days', '1 month 2 days', '12:00:00', all parts of one sign."

// checkString reports the fault of a string that stands for a time or an interval.
func (p *parser) checkString(t token, err error, hint string) bool {
	if err == nil {
		return true
	}
	p.faulty = true
	var unit *unknownUnit
	if errors.As(err, &unit) {
		p.soft(t.Loc, "TK110", unitHint(unit.word), "unknown unit %q", unit.word)
		return false
	}
	p.soft(t.Loc, "TK106", hint, "%v", err)
	return false
}

// constant reads a literal, a signed number or a double-quoted string.
func (p *parser) constant(what string) *Literal {
	start := p.start()
	if p.tok().kind == tokDouble {
		return p.doubleString()
	}
	sign := ""
	if n := p.peek(1).kind; (p.isSym("-") || p.isSym("+")) && (n == tokInt || n == tokDecimal) {
		if p.next().text == "-" {
			sign = "-"
		}
	}
	l := p.literal()
	if l == nil {
		p.unexpected(what, "constants are numbers, 'strings', dates, TRUE, FALSE and NULL.")
		return &Literal{Loc: Loc{start, start}, Kind: LitNull, Text: "NULL"}
	}
	l.Text = sign + l.Text
	l.Pos = start
	return l
}
