package csvdir

import (
	"fmt"
	"slices"
	"strings"
)

// declaration is a table as schema.sql declares it.
type declaration struct {
	name    string
	columns []columnDecl
	key     []string
	unique  [][]string
	links   []reference
}

// columnDecl is a column: its type in words as written, in lower case.
type columnDecl struct {
	name, typ string
	notNull   bool
	generated []token // the expression of a generated column
}

// reference is a foreign key; to is empty where it refers to the primary key.
type reference struct {
	name     string // of the constraint, "" for none
	from, to []string
	table    string
}

// ddl reads the CREATE TABLE and ALTER TABLE statements of a text; others are passed over.
type ddl struct {
	rest   []token
	tables []*declaration
	last   int // line of the token that was read last
}

// parseDDL adds to tables those that a text declares, and what it adds to them. Its errors
// name the line.
func parseDDL(text string, tables []*declaration) ([]*declaration, error) {
	d := &ddl{rest: tokens(text), last: 1, tables: tables}
	for len(d.rest) > 0 {
		if err := d.statement(); err != nil {
			return nil, fmt.Errorf("line %d: %w", d.last, err)
		}
		for len(d.rest) > 0 && !d.take(";") {
			d.next()
		}
	}
	return d.tables, nil
}

func (d *ddl) peek() token {
	if len(d.rest) == 0 {
		return token{kind: sign}
	}
	return d.rest[0]
}

func (d *ddl) next() token {
	t := d.peek()
	if len(d.rest) > 0 {
		d.rest, d.last = d.rest[1:], t.line
	}
	return t
}

// take reads words or signs if all of them come next.
func (d *ddl) take(words ...string) bool {
	if len(d.rest) < len(words) {
		return false
	}
	for i, w := range words {
		if !d.rest[i].is(w) {
			return false
		}
	}
	d.rest, d.last = d.rest[len(words):], d.rest[len(words)-1].line
	return true
}

func (d *ddl) expect(what string) error {
	if !d.take(what) {
		return fmt.Errorf("found %q, want %s", d.peek().text, what)
	}
	return nil
}

// statement reads the beginning of a statement, all of it if it declares something.
func (d *ddl) statement() error {
	switch {
	case d.take("create"):
		for _, w := range []string{"global", "local", "temporary", "temp", "unlogged"} {
			d.take(w)
		}
		if d.take("table") {
			d.take("if", "not", "exists")
			return d.create()
		}
	case d.take("alter", "table"):
		d.take("if", "exists")
		d.take("only")
		return d.alter()
	}
	return nil
}

// name reads a name, of which the part behind the last dot counts.
func (d *ddl) name() (string, error) {
	for {
		t := d.next()
		if !t.name() {
			return "", fmt.Errorf("found %q, want a name", t.text)
		}
		if !d.take(".") {
			return t.text, nil
		}
	}
}

// names reads a list of names in brackets.
func (d *ddl) names() (out []string, err error) {
	if err := d.expect("("); err != nil {
		return nil, err
	}
	for {
		n, err := d.name()
		if err != nil {
			return nil, err
		}
		out = append(out, n)
		if !d.take(",") {
			return out, d.expect(")")
		}
	}
}

func (d *ddl) create() error {
	name, err := d.name()
	if err != nil {
		return err
	}
	if !d.peek().is("(") { // CREATE TABLE ... AS, OF, PARTITION OF
		return nil
	}
	if d.table(name) != nil {
		return fmt.Errorf("table %q is declared twice", name)
	}
	d.next()
	t := &declaration{name: name}
	d.tables = append(d.tables, t)
	for {
		err := d.item(t)
		if err == nil {
			if d.take(",") {
				continue
			}
			err = d.expect(")")
		}
		if err != nil {
			err = fmt.Errorf("table %q: %w", name, err)
		}
		return err
	}
}

func (d *ddl) table(name string) *declaration {
	if i := slices.IndexFunc(d.tables, func(t *declaration) bool { return t.name == name }); i >= 0 {
		return d.tables[i]
	}
	return nil
}

// alter reads the constraints that ALTER TABLE adds.
func (d *ddl) alter() error {
	name, err := d.name()
	if err != nil {
		return err
	}
	t := d.table(name)
	for d.take("add") {
		constraint := d.constraintName()
		if t == nil {
			return fmt.Errorf("ALTER TABLE of %q, which no CREATE TABLE before it declares", name)
		}
		if _, err := d.constraint(t, constraint); err != nil {
			return fmt.Errorf("table %q: %w", name, err)
		}
		d.pass()
		d.take(",")
	}
	return nil
}

func (d *ddl) constraintName() string {
	if d.take("constraint") && d.peek().name() {
		return d.next().text
	}
	return ""
}

// item reads a column or a constraint of CREATE TABLE.
func (d *ddl) item(t *declaration) error {
	name := d.constraintName()
	if ok, err := d.constraint(t, name); ok || err != nil {
		d.pass()
		return err
	}
	for _, w := range []string{"check", "exclude", "like"} {
		if d.peek().is(w) {
			d.pass()
			return nil
		}
	}
	return d.column(t)
}

// constraint reads a key, a unique key or a foreign key of a table.
func (d *ddl) constraint(t *declaration, name string) (ok bool, err error) {
	switch {
	case d.take("primary", "key"):
		t.key, err = d.names()
	case d.peek().is("unique"):
		d.next()
		var cols []string
		if cols, err = d.names(); err == nil {
			t.unique = append(t.unique, cols)
		}
	case d.take("foreign", "key"):
		var from []string
		if from, err = d.names(); err != nil {
			return false, err
		}
		if err = d.expect("references"); err == nil {
			err = d.references(t, name, from)
		}
	default:
		return false, nil
	}
	return true, err
}

// references reads what stands behind REFERENCES.
func (d *ddl) references(t *declaration, name string, from []string) (err error) {
	r := reference{name: name, from: from}
	if r.table, err = d.name(); err != nil {
		return err
	}
	if d.peek().is("(") {
		if r.to, err = d.names(); err != nil {
			return err
		}
	}
	t.links = append(t.links, r)
	return nil
}

// traits begin what may stand behind a column's type.
var traits = []string{"not", "null", "default", "primary", "unique", "references", "check", "constraint", "collate", "generated"}

func (d *ddl) column(t *declaration) error {
	name := d.next()
	if !name.name() {
		return fmt.Errorf("found %q, want a column or a constraint", name.text)
	}
	c := columnDecl{name: name.text}
	var typ strings.Builder
	for depth := 0; ; {
		p := d.peek()
		if len(d.rest) == 0 || depth == 0 && (p.is(",") || p.is(")") || p.kind == word && slices.Contains(traits, p.text)) {
			break
		}
		depth += depthOf(p)
		if typ.Len() > 0 && p.kind != sign {
			typ.WriteByte(' ')
		}
		typ.WriteString(d.next().text)
	}
	c.typ = strings.NewReplacer("( ", "(", ", ", ",").Replace(typ.String())
	t.columns = append(t.columns, c)
	return d.traits(t, &t.columns[len(t.columns)-1])
}

// traits reads what stands behind a column's type.
func (d *ddl) traits(t *declaration, c *columnDecl) error {
	name := ""
	for depth := 0; len(d.rest) > 0; {
		p := d.peek()
		switch {
		case depth == 0 && (p.is(",") || p.is(")")):
			return nil
		case depth == 0 && p.is("constraint"):
			name = d.constraintName()
		case depth == 0 && d.take("generated", "always", "as", "("):
			before := d.rest
			for d.pass(); d.take(","); {
				d.pass()
			}
			c.generated = before[:len(before)-len(d.rest)]
			d.take(")")
		case depth == 0 && d.take("not", "null"):
			c.notNull = true
		case depth == 0 && d.take("primary", "key"):
			t.key = []string{c.name}
		case depth == 0 && d.take("unique"):
			t.unique = append(t.unique, []string{c.name})
		case depth == 0 && d.take("references"):
			if err := d.references(t, name, []string{c.name}); err != nil {
				return err
			}
		default:
			depth += depthOf(p)
			d.next()
		}
	}
	return nil
}

// pass goes to the end of an item: a comma, a bracket or a semicolon outside of brackets.
func (d *ddl) pass() {
	for depth := 0; len(d.rest) > 0; d.next() {
		p := d.peek()
		if depth == 0 && (p.is(",") || p.is(")") || p.is(";")) {
			return
		}
		depth += depthOf(p)
	}
}

func depthOf(t token) int {
	switch {
	case t.is("("):
		return 1
	case t.is(")"):
		return -1
	}
	return 0
}
