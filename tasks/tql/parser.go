package tql

import (
	"fmt"
	"slices"
)

// maxDepth limits how deep expressions and lists may nest, and how long a chain of
// arithmetic may be, so that no text can exhaust the stack.
const maxDepth = 200

// maxErrors ends the reporting of faults in one text.
const maxErrors = 50

// Script is a parsed text. Notices are remarks about texts that were accepted, such
// as a double-quoted string (TK201).
type Script struct {
	Text       string
	Statements []Statement
	Notices    Errors
}

// Parse reads a script of statements separated by semicolons. All independent faults
// are returned at once as [Errors]; the script is returned with them, so that a binder
// can add its own (see [Base]).
func Parse(text string) (*Script, error) {
	toks, errs := lex(text)
	errs.Sort()
	p := &parser{text: text, toks: toks, errs: errs, lexical: slices.Clone(errs), last: -1}
	s := &Script{Text: text}
	for p.tok().kind != tokEnd {
		if p.takeSym(";") {
			continue
		}
		if st := p.statement(); st != nil {
			s.Statements = append(s.Statements, st)
		}
	}
	s.Notices = p.notices
	p.errs.Sort()
	if len(p.errs) > maxErrors {
		p.errs = p.errs[:maxErrors]
	}
	return s, p.errs.err()
}

// ParseStatement reads a text of exactly one statement. Notices are dropped.
func ParseStatement(text string) (Statement, error) {
	s, err := Parse(text)
	if err != nil {
		return nil, err
	}
	if len(s.Statements) != 1 {
		e := newError(text, Loc{0, len(text)}, "TK104", "%d statements, want one", len(s.Statements))
		e.Hint = statementHint
		return nil, Errors{e}
	}
	return s.Statements[0], nil
}

// ParseQuery reads a text of exactly one query, PREDICT ... FOR ... .
func ParseQuery(text string) (*Query, error) {
	s, err := ParseStatement(text)
	if err != nil {
		return nil, err
	}
	q, ok := s.(*Query)
	if !ok {
		e := newError(text, s.Range(), "TK104", "this is no query")
		e.Hint = "a query has the form PREDICT target FOR EACH entity."
		return nil, Errors{e}
	}
	return q, nil
}

// parser walks the tokens. After a fault it stops: every look at the current token
// sees tokStop, so that all rules end quickly without reports of their own, until
// resume moves on to the next clause.
type parser struct {
	text    string
	toks    []token
	errs    Errors
	lexical Errors // of them, those of the lexer, by place
	notices Errors

	i      int  // current token
	stop   bool // a fault has been reported and not yet been left behind
	last   int  // token of the last fault: a second one there is not reported
	faulty bool // the statement is incomplete
	parens int  // open parentheses in the current clause
	depth  int
}

func (p *parser) tok() token {
	if p.stop {
		return token{kind: tokStop, Loc: Loc{p.toks[p.i].Pos, p.toks[p.i].Pos}}
	}
	return p.toks[p.i]
}

// peek returns the n-th token after the current one.
func (p *parser) peek(n int) token {
	if p.stop {
		return p.tok()
	}
	return p.toks[min(p.i+n, len(p.toks)-1)]
}

// next returns the current token and moves behind it.
func (p *parser) next() token {
	t := p.tok()
	if t.kind == tokStop || t.kind == tokEnd {
		return t
	}
	if t.kind == tokSymbol {
		switch t.text {
		case "(":
			p.parens++
		case ")":
			p.parens--
		}
	}
	p.i++
	return t
}

// start is the place where the current token begins, end where the last one ended.
func (p *parser) start() int { return p.toks[p.i].Pos }

func (p *parser) end() int {
	if p.i == 0 {
		return 0
	}
	return p.toks[p.i-1].End
}

// since is the range from start to the last token read.
func (p *parser) since(start int) Loc { return Loc{start, max(start, p.end())} }

func (p *parser) isSym(s string) bool { t := p.tok(); return t.kind == tokSymbol && t.text == s }

func (p *parser) isWord(words ...string) bool {
	t := p.tok()
	return t.kind == tokWord && slices.Contains(words, t.upper)
}

// wordAt reports whether the n-th token after the current one is one of the words.
func (p *parser) wordAt(n int, words ...string) bool {
	t := p.peek(n)
	return t.kind == tokWord && slices.Contains(words, t.upper)
}

func (p *parser) symAt(n int, s string) bool {
	t := p.peek(n)
	return t.kind == tokSymbol && t.text == s
}

func (p *parser) takeSym(s string) bool {
	if p.isSym(s) {
		p.next()
		return true
	}
	return false
}

// takeWords moves over the words if all of them follow.
func (p *parser) takeWords(words ...string) bool {
	for i, w := range words {
		if !p.wordAt(i, w) {
			return false
		}
	}
	for range words {
		p.next()
	}
	return true
}

// soft reports a fault that leaves the tree whole.
func (p *parser) soft(at Loc, code, hint, format string, args ...any) {
	e := newError(p.text, at, code, format, args...)
	e.Hint = hint
	p.errs = append(p.errs, e)
}

// fault reports a fault and stops until resume.
func (p *parser) fault(at Loc, code, hint, format string, args ...any) {
	if p.stop {
		return
	}
	p.stop, p.faulty = true, true
	if p.last == p.i {
		return
	}
	p.last = p.i
	if !p.lexicalFault() {
		p.soft(at, code, hint, format, args...)
	}
}

// lexicalFault reports whether the lexer found a fault in the last token, the current
// one or between them: then that is the cause.
func (p *parser) lexicalFault() bool {
	from := p.toks[max(p.i-1, 0)].Pos
	n, _ := slices.BinarySearchFunc(p.lexical, from, func(e *Error, pos int) int { return e.Pos - pos })
	return n < len(p.lexical) && p.lexical[n].Pos <= p.toks[p.i].End
}

// needSym expects a symbol. A missing one is reported as the place behind the last
// token, unless the current token explains itself.
func (p *parser) needSym(s, hint string) bool {
	if p.takeSym(s) {
		return true
	}
	if p.stop || p.explain(s) {
		return false
	}
	p.fault(Loc{p.end(), p.end()}, "TK100", hint, "missing %q, found %s", s, p.tok().found())
	return false
}

// needWords expects words in a row.
func (p *parser) needWords(hint string, words ...string) bool {
	for _, w := range words {
		if !p.isWord(w) {
			p.unexpected(w, hint)
			return false
		}
		p.next()
	}
	return true
}

// enter counts a level of nesting; each call needs a leave.
func (p *parser) enter() bool {
	p.depth++
	if p.depth > maxDepth {
		p.fault(p.tok().Loc, "TK199", "split the condition, or write raw SQL.", "nested deeper than %d levels", maxDepth)
	}
	return !p.stop
}

func (p *parser) leave() { p.depth-- }

func (p *parser) bad() Expr { return &Bad{Loc{p.start(), p.start()}} }

// resume leaves a fault behind: it moves to the next clause keyword or the end of the
// statement. WHERE, WITH and AT do not count while a parenthesis is open.
func (p *parser) resume() {
	if !p.stop {
		return
	}
	p.stop = false
	for depth := p.parens; !p.atClause(depth <= 0); {
		switch t := p.next(); {
		case t.kind == tokSymbol && t.text == "(":
			depth++
		case t.kind == tokSymbol && t.text == ")":
			depth--
		}
	}
	p.parens = 0
}

func (p *parser) atClause(outside bool) bool {
	t := p.tok()
	switch {
	case t.kind == tokEnd || p.isSym(";"):
		return true
	case t.kind != tokWord || p.i > 0 && p.toks[p.i-1].kind == tokSymbol && p.toks[p.i-1].text == ".":
		return false
	}
	switch t.upper {
	case "PREDICT", "FOR", "ASSUMING":
		return true
	case "WHERE":
		return outside
	case "WITH":
		return outside && p.symAt(1, "(")
	case "AT":
		return outside && (p.peek(1).kind == tokString || p.peek(1).kind == tokTime || p.wordAt(1, "DATE", "TIMESTAMP", "NOW", "LATEST", "ENTITY"))
	}
	return false
}

// notice records that a double-quoted text was read as a string.
func (p *parser) notice(t token) {
	e := newError(p.text, t.Loc, "TK201", "%q is read as a string", t.text)
	e.Severity = SeverityNotice
	e.Hint = fmt.Sprintf("write '%s'; to name a column write table.\"%s\".", t.text, t.text)
	p.notices = append(p.notices, e)
}
