package tql

import (
	"fmt"
	"slices"
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

// tableNamed resolves the table of a name chain of one part (table) or two (schema,
// table).
func (b *binder) tableNamed(parts []Name) (int, bool) {
	name := parts[len(parts)-1]
	var names, spaces []string
	var numbers []int
	for i, t := range b.sc.Tables {
		spaces = append(spaces, t.Namespace)
		if len(parts) == 1 || strings.EqualFold(t.Namespace, parts[0].Text) {
			names, numbers = append(names, t.Name), append(numbers, i)
		}
	}
	if len(names) == 0 {
		slices.Sort(spaces)
		b.fault(parts[0].Range(), "TK102", "there is no schema %q", parts[0].Text).Hint = "schemas: " + strings.Join(slices.Compact(spaces), ", ") + "."
		return 0, false
	}
	at, hits := match(name, names)
	switch {
	case len(hits) == 0:
		err := b.fault(name.Range(), "TK102", "there is no table %q", name.Text)
		err.Hint = sentence("tables: " + strings.Join(names, ", ") + ".")
		if near, ok := Nearest(name.Text, names); ok {
			err.Hint = "did you mean \"" + near + "\"? " + err.Hint
		}
		return 0, false
	case len(hits) > 1:
		b.fault(name.Range(), "TK103", "%q matches several tables", name.Text).Hint = "write one of " + b.spellings(name)
		return 0, false
	}
	if insensitive(name, hits[0]) {
		b.notice(name.Range(), "TK202", "%q was read as table %q", name.Text, hits[0])
	}
	t := b.sc.Tables[numbers[at]]
	if t.Ignore {
		b.fault(name.Range(), "TK166", "table %q is ignored in the mapping", t.Name).Hint = "remove ignore: true from the table in the mapping file"
		return 0, false
	}
	return numbers[at], true
}

// spellings lists the tables that a name matches as they are named without doubt.
func (b *binder) spellings(n Name) string {
	var out []string
	for i, t := range b.sc.Tables {
		if _, hits := match(n, []string{t.Name}); len(hits) > 0 {
			out = append(out, textOf(&Table{Parts: tableParts(b.sc, i)}))
		}
	}
	return strings.Join(out, " or ")
}

// insensitive reports whether n is the name found only without regard to case.
func insensitive(n Name, found string) bool {
	return found != n.Text && found != strings.ToLower(n.Text)
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
		err.Hint = "columns: " + strings.Join(names, ", ") + "."
		if near, ok := Nearest(n.Text, names); ok {
			err.Hint = fmt.Sprintf("did you mean %q (%s)? %s", near, t.Columns[t.Column(near)].DBType, sentence(err.Hint))
		}
		return 0, false
	case len(hits) > 1:
		b.fault(n.Range(), "TK103", "%q matches several columns of table %q", n.Text, t.Name).Hint = "write one of " + quoteAll(hits)
		return 0, false
	}
	if insensitive(n, hits[0]) {
		b.notice(n.Range(), "TK202", "%q was read as column %q of table %q", n.Text, hits[0], t.Name)
	}
	return at, true
}

// linkOf returns the foreign key that consists of just that column, if exactly one does.
func (b *binder) linkOf(table, col int) (int, bool) {
	return b.sc.Tables[table].LinkOn(col)
}

// linkNames lists the foreign keys of a table for hints.
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

// quoteAll lists names in double quotes for a hint.
func quoteAll(names []string) string {
	out := slices.Clone(names)
	for i := range out {
		out[i] = fmt.Sprintf("%q", out[i])
	}
	return strings.Join(out, " or ")
}
