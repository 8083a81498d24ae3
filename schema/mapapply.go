package schema

import (
	"slices"
	"strings"
)

// reasonMapping marks what the user has decided.
const reasonMapping = "mapping"

// Apply lays the mapping over an inferred schema and returns the result; s stays as it
// is. What the file says wins; what it does not mention stays inferred. Entries of
// tables and columns that s does not have are errors: all faults come back at once as
// [MappingErrors].
func (m *Mapping) Apply(s *Schema) (*Schema, error) {
	a := &applier{out: s.Clone()}
	// Keys of all tables first: links that name no column refer to them.
	tables := make([]int, len(m.Tables))
	seen := map[int]bool{}
	for i, tm := range m.Tables {
		tables[i] = a.find(tm.Name)
		if t := tables[i]; t >= 0 {
			if seen[t] {
				a.add(tm.Name.Line, "keep one entry", "table %q has two entries", tm.Name.Text)
			}
			seen[t] = true
			a.key(a.out.Tables[t], tm)
		}
	}
	for i, tm := range m.Tables {
		if t := tables[i]; t >= 0 {
			a.links(a.out.Tables[t], tm)
		}
	}
	for i, tm := range m.Tables {
		if t := tables[i]; t >= 0 {
			a.columns(a.out.Tables[t], tm)
			a.out.Tables[t].Ignore = tm.Ignore
		}
	}
	entries := map[int]TableMapping{}
	for i, tm := range m.Tables {
		if t := tables[i]; t >= 0 {
			a.time(t, tm)
			entries[t] = tm
		}
	}
	a.inherited(s, entries)
	slices.SortStableFunc(a.list, func(x, y *MappingError) int { return x.Line - y.Line })
	if err := a.err(); err != nil {
		return nil, err
	}
	return a.out, nil
}

// Clone returns a deep copy.
func (s *Schema) Clone() *Schema {
	out := &Schema{Tables: make([]*Table, len(s.Tables)), Skipped: slices.Clone(s.Skipped)}
	for i, t := range s.Tables {
		c := *t
		c.Columns = slices.Clone(t.Columns)
		c.Key = slices.Clone(t.Key)
		c.Unique = slices.Clone(t.Unique)
		for j, u := range c.Unique {
			c.Unique[j] = slices.Clone(u)
		}
		c.Links = slices.Clone(t.Links)
		for j, l := range c.Links {
			c.Links[j].Columns, c.Links[j].Ref = slices.Clone(l.Columns), slices.Clone(l.Ref)
		}
		if t.Time != nil {
			rt := *t.Time
			c.Time = &rt
		}
		out.Tables[i] = &c
	}
	return out
}

// applier changes a copy of the schema and collects faults.
type applier struct {
	out *Schema
	faults
}

// find returns the number of a table of the file, -1 after noting a fault.
func (a *applier) find(name Named) int {
	if t := a.out.Table(name.Text); t >= 0 {
		same := 0
		for _, o := range a.out.Tables {
			if o.Name == name.Text && o.FullName() != name.Text {
				same++
			}
		}
		if same > 1 {
			a.add(name.Line, "write it with its schema, like "+quoted(a.out.Tables[t].FullName()), "several tables are named %q", name.Text)
			return -1
		}
		return t
	}
	var names []string
	for _, t := range a.out.Tables {
		names = append(names, a.out.fileName(t))
	}
	a.add(name.Line, suggest(name.Text, names, "if the table is gone, delete the entry"), "unknown table %q", name.Text)
	return -1
}

// column returns the number of a column of t, -1 after noting a fault.
func (a *applier) column(t *Table, name Named) int {
	if c := t.Column(name.Text); c >= 0 {
		return c
	}
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	a.add(name.Line, suggest(name.Text, names, "if the column is gone, delete the entry"), "table %q has no column %q", t.Name, name.Text)
	return -1
}

func (a *applier) columnList(t *Table, names []Named) ([]int, bool) {
	var out []int
	ok := true
	for _, n := range names {
		c := a.column(t, n)
		switch {
		case c < 0:
			ok = false
		case slices.Contains(out, c):
			a.add(n.Line, "", "column %q stands twice", n.Text)
			ok = false
		case t.Columns[c].Kind == Opaque:
			a.add(n.Line, "", "column %q is not read: %s", n.Text, t.Columns[c].unread())
			ok = false
		}
		out = append(out, c)
	}
	return out, ok
}

func (a *applier) key(t *Table, tm TableMapping) {
	if tm.Key == nil {
		return
	}
	if cols, ok := a.columnList(t, *tm.Key); ok && !slices.Equal(cols, t.Key) {
		t.Key, t.KeyReason = cols, reasonMapping
	}
}

func (a *applier) links(t *Table, tm TableMapping) {
	if tm.Links == nil {
		return
	}
	var via *Link
	if t.Time != nil && t.Time.Via >= 0 {
		via = &t.Links[t.Time.Via]
	}
	old := t.Links
	t.Links = nil
	for _, lm := range *tm.Links {
		if l, ok := a.link(t, lm, old); ok {
			t.Links = append(t.Links, l)
		}
	}
	if via == nil {
		return
	}
	t.Time.Via = slices.IndexFunc(t.Links, func(l Link) bool { return l.Name == via.Name && l.equal(*via) })
	if t.Time.Via < 0 {
		t.loseTime("the foreign key that gave the time is not in the mapping")
	}
}

// equal reports whether two links point from the same columns to the same columns.
func (l Link) equal(o Link) bool {
	return l.To == o.To && slices.Equal(l.Columns, o.Columns) && slices.Equal(l.Ref, o.Ref)
}

func (a *applier) link(t *Table, lm LinkMapping, old []Link) (Link, bool) {
	to := a.find(lm.To)
	cols, ok := a.columnList(t, lm.Columns)
	if to < 0 || !ok {
		return Link{}, false
	}
	parent := a.out.Tables[to]
	ref := parent.Key
	if len(lm.Ref) > 0 {
		if ref, ok = a.columnList(parent, lm.Ref); !ok {
			return Link{}, false
		}
	}
	if len(ref) == 0 {
		a.add(lm.Line, "write references: [COLUMN]", "table %q has no key to link to", parent.Name)
		return Link{}, false
	}
	if len(ref) != len(cols) {
		a.add(lm.Line, "name as many columns as references", "%d columns link to %d columns of %q", len(cols), len(ref), parent.Name)
		return Link{}, false
	}
	for i := range cols {
		from, into := t.Columns[cols[i]], parent.Columns[ref[i]]
		if from.Kind != into.Kind && (!from.Kind.Numeric() || !into.Kind.Numeric()) {
			a.add(lm.Line, "", "column %q holds %s, %s.%s holds %s: they can never be equal", from.Name, from.Kind, parent.Name, into.Name, into.Kind)
			return Link{}, false
		}
	}
	l := Link{Name: lm.Name, Columns: cols, To: to, Ref: slices.Clone(ref), Reason: reasonMapping}
	for _, o := range old {
		taken := slices.ContainsFunc(t.Links, func(l Link) bool { return l.Name == o.Name && l.equal(o) })
		if o.equal(l) && !taken && (lm.Name == "" || lm.Name == o.Name) {
			return o, true
		}
	}
	if l.Name == "" {
		l.Name = t.Label(l)
	}
	return l, true
}

// columns sets semantic types. A column that the mapping's own links or key have made
// an identity is one unless the file says another type than was inferred.
func (a *applier) columns(t *Table, tm TableMapping) {
	inferred := map[int]SemType{}
	for c := range t.Columns {
		inferred[c] = t.Columns[c].Sem
	}
	seen := map[int]bool{}
	for _, cm := range tm.Columns {
		c := a.column(t, cm.Name)
		if c < 0 || cm.Type.Text == "" {
			continue
		}
		sem, ok := a.semType(&t.Columns[c], cm.Type)
		if !ok || seen[c] {
			continue
		}
		seen[c] = true
		if sem != t.Columns[c].Sem {
			t.Columns[c].Sem, t.Columns[c].Reason = sem, reasonMapping
		}
	}
	for c := range t.Columns {
		col := &t.Columns[c]
		if t.IsKey(c) && col.Kind != Time && col.Sem == inferred[c] && col.Sem != SemID && col.Sem != SemIgnore {
			col.Sem, col.Reason = SemID, "key or link of the mapping"
		}
	}
}

// semType checks that a type exists and that the column's values can be read as it.
func (a *applier) semType(col *Column, name Named) (SemType, bool) {
	sem := SemType(name.Text)
	if !slices.Contains(SemTypes, sem) {
		names := make([]string, len(SemTypes))
		for i, t := range SemTypes {
			names[i] = string(t)
		}
		a.add(name.Line, suggest(name.Text, names, "types are "+strings.Join(names, ", ")), "unknown type %q of column %q", name.Text, col.Name)
		return "", false
	}
	if col.Kind == Opaque && sem != SemIgnore {
		a.add(name.Line, "it can be ignore", "column %q is not read: %s", col.Name, col.unread())
		return "", false
	}
	if !slices.Contains(allowed(col.Kind), sem) {
		var names []string
		for _, t := range allowed(col.Kind) {
			names = append(names, string(t))
		}
		a.add(name.Line, "it can be "+strings.Join(names, ", "), "column %q of type %s cannot be %s", col.Name, col.DBType, sem)
		return "", false
	}
	return sem, true
}

// unread says why an opaque column is not read.
func (c *Column) unread() string {
	if word := SecretName(c.Name); word != "" {
		return "it is named like a secret (" + word + ")"
	}
	return "type " + c.DBType
}

// allowed lists the meanings that values of a kind can have.
func allowed(k Kind) []SemType {
	switch k {
	case Bool:
		return []SemType{SemBoolean, SemNumerical, SemCategorical, SemIgnore}
	case Int, Float:
		return []SemType{SemNumerical, SemCategorical, SemID, SemIgnore}
	case Text:
		return []SemType{SemText, SemCategorical, SemID, SemIgnore}
	case Time:
		return []SemType{SemTimestamp, SemID, SemIgnore}
	}
	return []SemType{SemIgnore}
}

func quoted(s string) string { return "\"" + s + "\"" }
