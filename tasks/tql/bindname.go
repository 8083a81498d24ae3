package tql

import (
	"strings"

	"github.com/rowlink/rowlink/schema"
)

// match finds a name among candidates: quoted names exactly; others as written or
// folded to lower case as Postgres does (both: ambiguous), else without regard to case
// if that is unique.
func match(n Name, candidates []string) (at int, hits []string) {
	at = -1
	add := func(same func(string) bool) {
		for i, c := range candidates {
			if same(c) {
				at = i
				hits = append(hits, c)
			}
		}
	}
	if n.Quoted {
		add(func(c string) bool { return c == n.Text })
		return at, hits
	}
	folded := strings.ToLower(n.Text)
	add(func(c string) bool { return c == n.Text || c == folded })
	if len(hits) == 0 {
		add(func(c string) bool { return strings.EqualFold(c, n.Text) })
	}
	return at, hits
}

// tableOf resolves the table at the head of a name chain; rest holds the names after
// it. With entity, two parts may be table.key.
func (b *binder) tableOf(parts []Name, entity bool) (table int, rest []Name, ok bool) {
	n := len(parts)
	switch {
	case n == 1 || entity && n == 2 && !b.isNamespace(parts[0]):
		table, ok = b.table("", parts[0])
		return table, parts[1:], ok
	case n >= 2:
		table, ok = b.table(parts[0].Text, parts[1])
		return table, parts[2:], ok
	}
	return 0, nil, false
}

// isNamespace reports whether n names a schema of the database and no table.
func (b *binder) isNamespace(n Name) bool {
	for _, t := range b.sc.Tables {
		if strings.EqualFold(t.Name, n.Text) {
			return false
		}
	}
	for _, t := range b.sc.Tables {
		if t.Namespace != "" && strings.EqualFold(t.Namespace, n.Text) {
			return true
		}
	}
	return false
}

// table finds a table by name, within a namespace unless that is empty.
func (b *binder) table(namespace string, n Name) (int, bool) {
	var names []string
	var numbers []int
	for i, t := range b.sc.Tables {
		if namespace == "" || strings.EqualFold(t.Namespace, namespace) {
			names, numbers = append(names, t.Name), append(numbers, i)
		}
	}
	at, hits := match(n, names)
	switch {
	case len(hits) == 0:
		err := b.fault(n.Range(), "TK102", "there is no table %q", n.Text)
		if near, ok := Nearest(n.Text, names); ok {
			err.Hint = "did you mean " + near + "? "
		}
		err.Hint += "Tables: " + strings.Join(names, ", ") + "."
		return 0, false
	case len(hits) > 1:
		b.fault(n.Range(), "TK103", "%q matches several tables", n.Text).Hint = "write one of " + quoteAll(hits) + ", with its schema where names are equal"
		return 0, false
	}
	if !n.Quoted && !strings.EqualFold(names[at], strings.ToLower(names[at])) || hits[0] != n.Text && hits[0] != strings.ToLower(n.Text) {
		b.notice(n.Range(), "TK202", "%q was read as table %q", n.Text, hits[0])
	}
	t := b.sc.Tables[numbers[at]]
	if t.Ignore {
		b.fault(n.Range(), "TK166", "table %q is ignored in the mapping", t.Name).Hint = "remove ignore: true from the table in the mapping file"
		return 0, false
	}
	return numbers[at], true
}

// columnIn finds a column of a table.
func (b *binder) columnIn(table int, n Name) (int, bool) {
	t := b.sc.Tables[table]
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	at, hits := match(n, names)
	switch {
	case len(hits) == 0:
		err := b.fault(n.Range(), "TK101", "table %q has no column %q", t.Name, n.Text)
		if near, ok := Nearest(n.Text, names); ok {
			c := t.Columns[t.Column(near)]
			err.Hint = "did you mean \"" + near + "\" (" + c.DBType + ")? "
		}
		err.Hint += "Columns: " + strings.Join(names, ", ") + "."
		return 0, false
	case len(hits) > 1:
		b.fault(n.Range(), "TK103", "%q matches several columns of table %q", n.Text, t.Name).Hint = "write one of " + quoteAll(hits)
		return 0, false
	}
	if hits[0] != n.Text && hits[0] != strings.ToLower(n.Text) {
		b.notice(n.Range(), "TK202", "%q was read as column %q of table %q", n.Text, hits[0], t.Name)
	}
	return at, true
}

// linkOf returns the foreign key that consists of just that column, if exactly one does.
func (b *binder) linkOf(table, col int) (int, bool) {
	found, n := -1, 0
	for i, l := range b.sc.Tables[table].Links {
		if len(l.Columns) == 1 && l.Columns[0] == col {
			found, n = i, n+1
		}
	}
	return found, n == 1
}

// linkNames lists the single-column foreign keys of a table for hints.
func linkNames(sc *schema.Schema, table int) string {
	t := sc.Tables[table]
	var out []string
	for _, l := range t.Links {
		out = append(out, t.Label(l)+" -> "+sc.Tables[l.To].Name)
	}
	if len(out) == 0 {
		return "table " + t.Name + " has no foreign key"
	}
	return "foreign keys of " + t.Name + ": " + strings.Join(out, ", ")
}
