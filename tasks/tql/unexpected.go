package tql

import (
	"fmt"
	"slices"
	"strings"
)

const (
	clauseHint    = "the order is PREDICT target FOR EACH entity WHERE condition ASSUMING condition AT anchor; options stand last in WITH (...)."
	statementHint = "a statement begins with PREDICT, CREATE, DROP, ALTER, TRAIN, EVALUATE, EXPLAIN, SHOW or WITH PATH."
	windowHint    = "a window has two bounds after a comma: 0, 30, days; or write OVER (NEXT '30 days')."
)

// sqlWay answers words of SQL that the language has not. second is a word that is
// reported with the first one if it follows.
var sqlWay = map[string]struct{ second, hint string }{
	"SELECT":    {"", "there are no sub-queries; aggregate with SUM(t.x, 0, 30, days), or write the labels in SQL: CREATE TASK ... AS SQL $$ ... $$."},
	"CASE":      {"", "there is no CASE; use a condition, or write the labels in SQL: CREATE TASK ... AS SQL $$ ... $$."},
	"CAST":      {"", "there are no casts; types are taken from the schema."},
	"GROUP":     {"BY", "there is no GROUP BY: FOR EACH already gives one value per entity."},
	"ORDER":     {"BY", "there is no ORDER BY: FIRST and LAST go by time, RANK TOP k orders items."},
	"HAVING":    {"", "there is no HAVING; put the condition on an aggregate in WHERE."},
	"LIMIT":     {"", "there is no LIMIT here; name the entities: FOR t IN (1, 2), or use SHOW LABELS n LIMIT k."},
	"OFFSET":    {"", "there is no OFFSET; windows say from and to: 10, 30, days."},
	"UNION":     {"", "there is no UNION; join conditions by OR, or write raw SQL."},
	"PARTITION": {"BY", "OVER holds the time window, as in OVER (NEXT '30 days'); FOR EACH partitions already."},
	"ROWS":      {"", "OVER holds the time window, as in OVER (NEXT '30 days')."},
	"RANGE":     {"", "OVER holds the time window, as in OVER (NEXT '30 days')."},
	"JOIN":      {"", "there are no joins; follow a foreign key with ->, as in orders.item_id->price, or name the path with VIA."},
	"INNER":     {"JOIN", "there are no joins; follow a foreign key with ->, as in orders.item_id->price, or name the path with VIA."},
	"LEFT":      {"JOIN", "there are no joins; follow a foreign key with ->, as in orders.item_id->price, or name the path with VIA."},
	"FROM":      {"", "FROM follows an aggregate: count(*) FROM orders OVER (NEXT '30 days')."},
	"AS":        {"", "there are no aliases; write the name of the table."},
}

// explain reports the current or the last token if it is a word of SQL that the
// language has not.
func (p *parser) explain(wanted string) bool {
	for _, i := range []int{p.i, p.i - 1} {
		if i < 0 || p.toks[i].kind != tokWord {
			continue
		}
		way, ok := sqlWay[p.toks[i].upper]
		if !ok || p.toks[i].upper == wanted {
			continue
		}
		if i < p.i && p.toks[i].upper != "SELECT" && p.toks[i].upper != "CASE" {
			continue
		}
		at, text := p.toks[i].Loc, p.toks[i].upper
		if next := p.toks[i+1]; way.second != "" && next.upper == way.second {
			at.End, text = next.End, text+" "+next.upper
		}
		p.fault(at, "TK100", way.hint, "unexpected %s", text)
		return true
	}
	return false
}

// unexpected reports the current token where something else was wanted.
func (p *parser) unexpected(wanted, hint string) {
	if p.stop || p.explain(wanted) {
		return
	}
	t := p.tok()
	p.fault(t.Loc, "TK100", hint, "expected %s, found %s", wanted, t.found())
}

// afterClause reports a token that neither continues nor ends a query.
func (p *parser) afterClause() {
	if p.stop || p.explain("") {
		return
	}
	t := p.tok()
	hint := clauseHint
	if t.kind == tokWord {
		if near, ok := Nearest(t.upper, []string{"WHERE", "ASSUMING", "WITH", "AT", "FOR"}); ok && len(t.upper) > 2 {
			hint = fmt.Sprintf("did you mean %s? ", near) + sentence(clauseHint)
		}
	}
	if t.isName() && p.i > 0 && p.toks[p.i-1].isName() && hint == clauseHint {
		hint = "there are no aliases; write the name of the table. " + sentence(clauseHint)
	}
	p.fault(t.Loc, "TK100", hint, "unexpected %s", t.found())
}

// leftover reports a token behind a statement.
func (p *parser) leftover() {
	if p.stop || p.explain("") {
		return
	}
	t := p.tok()
	switch {
	case p.isWord("WITH"):
		p.fault(t.Loc, "TK104", "options belong to a task: CREATE TASK n AS PREDICT ... WITH (...), and then EXPLAIN TASK n.", "WITH is out of place")
	case p.isWord("WHERE", "ASSUMING", "AT"):
		p.fault(t.Loc, "TK104", clauseHint, "%s is out of place", t.upper)
	case t.kind == tokWord && slices.Contains(statementWords, t.upper):
		p.fault(t.Loc, "TK100", "separate statements by a semicolon.", "unexpected %s after the end of a statement", t.found())
	default:
		p.fault(t.Loc, "TK100", "the statement ends before it; separate statements by a semicolon.", "unexpected %s after the end of a statement", t.found())
	}
}

// sentence begins a hint with a capital letter.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// chained reports a second relation after a complete one.
func (p *parser) chained() {
	t := p.tok()
	relation := t.kind == tokSymbol && comparison[t.text] != "" ||
		p.isWord("BETWEEN", "IN", "IS", "LIKE", "ILIKE", "CONTAINS") ||
		p.isWord("NOT") && p.wordAt(1, "BETWEEN", "IN", "LIKE", "ILIKE", "CONTAINS", "STARTS", "ENDS") ||
		p.isWord("STARTS", "ENDS") && p.wordAt(1, "WITH")
	if relation {
		p.fault(t.Loc, "TK100", "comparisons do not chain: write a < b AND b < c, or use parentheses.", "unexpected %s after a comparison", t.found())
	}
}

// nameFault reports that no name stands where one is wanted.
func (p *parser) nameFault(what string) {
	t := p.tok()
	hint := "names are bare words or quoted: \"any text\"."
	if t.kind == tokString {
		hint = fmt.Sprintf("single quotes make strings; a name is written bare or \"%s\".", strings.ReplaceAll(t.text, `"`, `""`))
	}
	p.unexpected(what, hint)
}

// reservedName reports a reserved word that was meant as a name; it can then be read
// as one.
func (p *parser) reservedName() bool {
	t := p.tok()
	if t.kind != tokWord || !Reserved(t.text) || !p.usedAsName() {
		return false
	}
	p.faulty = true
	p.soft(t.Loc, "TK107", fmt.Sprintf("to use it as a name, quote it: \"%s\".", t.text), "%s is a reserved word", t.upper)
	return true
}

// usedAsName tells a reserved word that was meant as a name from a missing name before
// a clause, by what follows it.
func (p *parser) usedAsName() bool {
	next := p.peek(1)
	switch next.kind {
	case tokEnd:
		return true
	case tokSymbol:
		return next.text != "(" && next.text != "*"
	case tokWord:
		return Reserved(next.text) && next.upper != "EACH" && next.upper != "NOT" || next.upper == "AS"
	}
	return false
}
