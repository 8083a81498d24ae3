package tql

import (
	"fmt"
	"strings"
)

var statementWords = []string{"PREDICT", "CREATE", "DROP", "ALTER", "TRAIN", "EVALUATE", "EXPLAIN", "SHOW"}

// statement reads one statement and, after a fault, the rest up to its semicolon.
func (p *parser) statement() Statement {
	p.faulty, p.parens, p.depth = false, 0, 0
	start := p.start()
	st := p.body()
	end := p.end()
	p.resume()
	for !p.isSym(";") && p.tok().kind != tokEnd {
		if st != nil && p.last != p.i {
			p.leftover()
		}
		p.stop = false
		if st != nil && p.isWord("PREDICT") {
			break // the next statement, after a missing semicolon
		}
		p.next()
		p.stop, p.faulty = true, true
		p.resume()
	}
	if st == nil {
		return nil
	}
	b := st.base()
	b.Loc = Loc{start, end}
	for _, e := range p.lexical {
		p.faulty = p.faulty || e.Pos >= start && e.Pos < p.start()
	}
	b.Incomplete = p.faulty
	if q := QueryOf(st); q != nil {
		q.Incomplete = p.faulty
	}
	return st
}

// body reads the statement that the first word names.
func (p *parser) body() Statement {
	t := p.tok()
	switch {
	case t.kind != tokWord:
	case t.upper == "PREDICT" && p.wordAt(1, "TASK") && p.peek(2).isName():
		return p.predictTask()
	case t.upper == "PREDICT" || t.upper == "WITH":
		return p.query(false)
	case t.upper == "CREATE":
		return p.create()
	case t.upper == "DROP":
		return p.drop()
	case t.upper == "ALTER":
		return p.alter()
	case t.upper == "TRAIN":
		p.next()
		s := &Train{Name: p.name("the name of a task")}
		s.Options = p.with()
		return s
	case t.upper == "EVALUATE":
		return p.evaluate()
	case t.upper == "EXPLAIN":
		return p.explainStatement()
	case t.upper == "SHOW":
		return p.show()
	}
	p.notAStatement(t)
	if p.resume(); p.isWord("PREDICT") {
		return p.query(false)
	}
	return nil
}

func (p *parser) notAStatement(t token) {
	hint := statementHint
	if t.kind == tokWord {
		if t.upper == "SELECT" {
			hint = "ask PREDICT target FOR EACH entity; to give the labels in SQL write CREATE TASK n TYPE t FOR EACH entity HORIZON '7 days' AS SQL $$ SELECT ... $$."
		} else if near, ok := Nearest(t.upper, statementWords); ok {
			hint = fmt.Sprintf("did you mean %s? ", near) + sentence(statementHint)
		}
	}
	p.fault(t.Loc, "TK104", hint, "%s does not begin a statement", t.found())
}

const createHint = "write CREATE TASK name AS PREDICT ... FOR EACH ... WITH (...)."

func (p *parser) create() Statement {
	p.next()
	c := &Create{}
	if p.takeWords("OR") {
		c.OrReplace = p.needWords(createHint, "REPLACE")
	}
	p.needWords(createHint, "TASK")
	if p.isWord("IF") && p.wordAt(1, "NOT") {
		c.IfNotExists = p.takeWords("IF", "NOT") && p.needWords(createHint, "EXISTS")
	}
	c.Name = p.name("the name of the task")
	if p.takeWords("TYPE") {
		c.Type = p.word("a task type")
	}
	switch {
	case p.isWord("FOR"):
		c.Raw = p.raw()
	default:
		if !p.takeWords("AS") && !p.stop {
			p.unexpected("AS", createHint)
		}
		p.resume()
		switch {
		case p.isWord("PREDICT", "WITH"):
			c.Query = p.query(true)
		case p.last != p.i:
			p.unexpected("a query", createHint)
		}
	}
	p.resume()
	c.Options = p.with()
	return c
}

// word reads a bare word that names something of the language, not of the data.
func (p *parser) word(what string) *Name {
	t := p.tok()
	if t.kind != tokWord || Reserved(t.text) {
		p.unexpected(what, "write "+what+" as a bare word.")
		return &Name{Loc: Loc{t.Pos, t.Pos}}
	}
	p.next()
	return &Name{Loc: t.Loc, Text: t.text}
}

const rawHint = "raw SQL has the form FOR EACH entity HORIZON '7 days' [ENTITIES AS $$ ... $$] LABEL AS $$ ... $$, or AS SQL $$ ... $$."

func (p *parser) raw() *Raw {
	start := p.start()
	p.next()
	r := &Raw{Each: p.takeWords("EACH")}
	r.Entity = p.table("the entity table")
	if p.takeWords("TO") {
		r.To = p.table("a table after TO")
		p.needWords("write TO table RANK TOP 10.", "RANK", "TOP")
		r.Top = p.top()
	}
	if p.takeWords("HORIZON") {
		r.Horizon = p.duration(nil)
		if iv := r.Horizon.Interval; !p.stop && !p.faulty && !iv.positive() {
			p.soft(r.Horizon.Loc, "TK186", "write HORIZON '7 days'.", "HORIZON is not positive")
		}
	} else if !p.stop {
		if !p.isWord("ENTITIES", "LABEL", "AS") {
			p.unexpected("HORIZON", rawHint)
		} else {
			p.faulty = true
			p.soft(Loc{p.end(), p.end()}, "TK186", "say how far the label looks ahead: HORIZON '7 days'.", "HORIZON is missing")
		}
	}
	p.bodies(r)
	r.Loc = p.since(start)
	return r
}

func (p *parser) bodies(r *Raw) {
	if p.takeWords("AS") {
		p.needWords(rawHint, "SQL")
		r.SQL = p.sqlBody()
		return
	}
	if p.takeWords("ENTITIES") {
		p.needWords(rawHint, "AS")
		r.Entities = p.sqlBody()
	}
	p.needWords(rawHint, "LABEL", "AS")
	r.Label = p.sqlBody()
}

func (p *parser) sqlBody() *Body {
	t := p.tok()
	if t.kind != tokDollar {
		p.unexpected("SQL between $$ and $$", rawHint)
		return &Body{Loc: Loc{t.Pos, t.Pos}}
	}
	p.next()
	quote := 1 + strings.IndexByte(p.text[t.Pos+1:], '$') + 1
	return &Body{Loc: t.Loc, Inner: Loc{t.Pos + quote, max(t.Pos+quote, t.End-quote)}, Text: t.text}
}

func (p *parser) drop() Statement {
	p.next()
	p.needWords("write DROP TASK name.", "TASK")
	d := &Drop{}
	if p.isWord("IF") && p.wordAt(1, "EXISTS") {
		d.IfExists = p.takeWords("IF", "EXISTS")
	}
	d.Name = p.name("the name of a task")
	d.Cascade = p.takeWords("CASCADE")
	return d
}

func (p *parser) evaluate() Statement {
	p.next()
	e := &Evaluate{}
	if p.isWord("PREDICT", "WITH") {
		e.Query = p.query(false)
	} else {
		e.Name = p.name("a query or the name of a task")
	}
	e.Options = p.with()
	return e
}

func (p *parser) explainStatement() Statement {
	p.next()
	e := &ExplainStatement{Analyze: p.takeWords("ANALYZE")}
	if p.takeWords("TASK") {
		e.Name = p.name("the name of a task")
		return e
	}
	if !p.isWord("PREDICT", "WITH") {
		p.unexpected("a query or TASK", "write EXPLAIN PREDICT ... FOR ... or EXPLAIN TASK name.")
		p.resume()
		if !p.isWord("PREDICT") {
			return e
		}
	}
	e.Query = p.query(false)
	return e
}

func (p *parser) predictTask() Statement {
	p.next()
	p.next()
	s := &PredictTask{Name: p.name("the name of a task")}
	if p.takeWords("FOR") {
		if s.Single = !p.takeSym("("); s.Single {
			start := p.start()
			c := p.constant("a key")
			s.Keys = []*Key{{Loc: p.since(start), Parts: []*Literal{c}}}
		} else {
			s.Keys = p.keys()
		}
	}
	if p.takeWords("AT") {
		s.At = p.anchor()
	}
	s.Options = p.with()
	return s
}
