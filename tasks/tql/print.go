package tql

import (
	"strconv"
	"strings"
)

// Binding strengths, weakest first.
const (
	precOr = iota + 1
	precAnd
	precNot
	precTest
	precSum
	precTerm
	precSign
	precPrimary
)

// printer collects the text of nodes.
type printer struct{ strings.Builder }

// textOf prints one node.
func textOf(n interface{ print(*printer) }) string {
	var p printer
	n.print(&p)
	return p.String()
}

func (p *printer) add(parts ...string) {
	for _, s := range parts {
		p.WriteString(s)
	}
}

func (p *printer) addIf(ok bool, s string) {
	if ok {
		p.WriteString(s)
	}
}

// expr prints e, in parentheses if it binds weaker than the place asks for.
func (p *printer) expr(e Expr, least int) {
	if e.prec() < least {
		p.add("(")
		defer p.add(")")
	}
	e.print(p)
}

// target prints the target of a query. PREDICT TASK and a name begin a statement of
// their own, so a target that begins with a column of that name needs parentheses.
func (p *printer) target(e Expr, spec *Spec) {
	text := e.String()
	first, _, more := strings.Cut(text, " ")
	if strings.EqualFold(first, "task") && (more || spec != nil) {
		text = "(" + text + ")"
	}
	p.add(text)
}

func (p *printer) name(n Name) {
	if n.Quoted {
		p.quoted('"', n.Text)
		return
	}
	p.add(n.Text)
}

// quoted prints text between quotes, doubling those inside.
func (p *printer) quoted(quote byte, text string) {
	q := string(quote)
	p.add(q, strings.ReplaceAll(text, q, q+q), q)
}

// dollar prints text in dollar quotes with a tag that does not occur in it.
func (p *printer) dollar(text string) {
	mark := "$$"
	for i := 1; strings.Index(text+mark, mark) != len(text); i++ {
		mark = "$q" + strconv.Itoa(i) + "$"
	}
	p.add(mark, text, mark)
}

func (p *printer) chain(parts []Name) {
	for i, n := range parts {
		p.addIf(i > 0, ".")
		p.name(n)
	}
}

func (p *printer) names(list []Name) {
	p.add("(")
	for i, n := range list {
		p.addIf(i > 0, ", ")
		p.name(n)
	}
	p.add(")")
}

// columns prints one column bare and several in parentheses.
func (p *printer) columns(list []*Column) {
	p.addIf(len(list) > 1, "(")
	for i, c := range list {
		p.addIf(i > 0, ", ")
		c.print(p)
	}
	p.addIf(len(list) > 1, ")")
}

func (p *printer) keys(list []*Key) {
	for i, k := range list {
		p.addIf(i > 0, ", ")
		k.print(p)
	}
}

func (p *printer) options(list []*Option) {
	for i, o := range list {
		if i == 0 {
			p.add(" WITH (")
		} else {
			p.add(", ")
		}
		o.print(p)
	}
	p.addIf(len(list) > 0, ")")
}
