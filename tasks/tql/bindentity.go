package tql

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rowlink/rowlink/schema"
)

// bindEntity resolves FOR EACH: a table, or a table and its key. A wrong key leaves the
// table bound, so that the other clauses are checked too.
func (b *binder) bindEntity(e *Entity) {
	parts, key := e.Parts, []Name(nil)
	switch {
	case len(parts) == 3:
		parts, key = parts[:2], parts[2:]
	case len(parts) == 2 && !b.isNamespace(parts[0]):
		parts, key = parts[:1], parts[1:]
	}
	table, ok := b.tableNamed(parts)
	if !ok {
		return
	}
	t := b.sc.Tables[table]
	b.task.Entity, b.entity, b.keyed = table, t, t.Key
	if len(t.Key) == 0 {
		b.fault(e.Range(), "TK161", "table %q has no primary key, so its rows cannot be asked for", t.Name).Hint =
			"name the columns that identify a row in the mapping: key: [" + t.Columns[0].Name + "]"
		return
	}
	if key != nil {
		b.entityKey(e, key[0])
	}
}

// isNamespace reports whether n names a schema of the database and no table.
func (b *binder) isNamespace(n Name) bool {
	space := false
	for _, t := range b.sc.Tables {
		if strings.EqualFold(t.Name, n.Text) {
			return false
		}
		space = space || strings.EqualFold(t.Namespace, n.Text)
	}
	return space
}

// entityKey demands that the column named after the entity table identifies its rows.
func (b *binder) entityKey(e *Entity, key Name) {
	t := b.entity
	col, ok := b.columnIn(b.task.Entity, key)
	if !ok || len(t.Key) == 1 && t.Key[0] == col {
		return
	}
	b.keyed = []int{col}
	if slices.ContainsFunc(t.Unique, func(u []int) bool { return len(u) == 1 && u[0] == col }) {
		return
	}
	b.keyed = nil
	err := b.fault(e.Range(), "TK160", "%s.%s does not identify a row of %q", t.Name, t.Columns[col].Name, t.Name)
	err.Detail = "the key is " + strings.Join(t.Names(t.Key), ", ")
	err.Hint = "write FOR EACH " + t.Name
	if l, ok := b.linkOf(b.task.Entity, col); ok {
		err.Hint += ", or FOR EACH " + b.sc.Tables[t.Links[l].To].Name + " for one prediction per row that it points to"
	}
}

// CheckKeys checks keys of a statement that names a task instead of a query against the
// key of the entity table; its faults have their places in text.
func CheckKeys(text string, sc *schema.Schema, entity int, keys []*Key) error {
	t := sc.Tables[entity]
	b := &binder{text: text, sc: sc, entity: t, keyed: t.Key}
	b.keys(keys)
	return b.errs.err()
}

// keys checks the constants after FOR EACH t = or IN against the columns of the key.
func (b *binder) keys(keys []*Key) {
	t := b.entity
	if b.keyed == nil {
		return // a fault of the entity
	}
	if first, last := keys[0], keys[len(keys)-1]; len(b.keyed) > 1 && len(keys) == len(b.keyed) && !slices.ContainsFunc(keys, func(k *Key) bool { return k.Tuple }) {
		var one []string
		for _, k := range keys {
			one = append(one, k.String())
		}
		b.fault(Loc{first.Pos, last.End}, "TK163", "these are %s of one value each, and a key of %q has %s: %s", several(len(keys), "key"), t.Name, parts(len(b.keyed)), strings.Join(t.Names(b.keyed), ", ")).Hint =
			"put its parts in parentheses of their own: ((" + strings.Join(one, ", ") + "))"
		return
	}
	for _, k := range keys {
		if len(k.Parts) != len(b.keyed) {
			b.fault(k.Range(), "TK163", "the key %s has %s, but that of %q has %s: %s", k, parts(len(k.Parts)), t.Name, parts(len(b.keyed)), strings.Join(t.Names(b.keyed), ", ")).Hint = "write " + b.keyShape()
			continue
		}
		for i, part := range k.Parts {
			if c := &t.Columns[b.keyed[i]]; !readsAs(part, c.Kind) {
				b.fault(part.Range(), "TK162", "the key %s is no value of %s.%s, which is %s", part, t.Name, c.Name, c.DBType).Hint = "write " + b.keyShape()
			}
		}
	}
}

func parts(n int) string { return several(n, "part") }

func several(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// keyShape shows how keys of the entity are written.
func (b *binder) keyShape() string {
	t := b.entity
	shape := make([]string, len(b.keyed))
	for i, c := range b.keyed {
		switch t.Columns[c].Kind {
		case schema.Text:
			shape[i] = "'abc'"
		case schema.Time:
			shape[i] = "'2020-01-31'"
		case schema.Bool:
			shape[i] = "TRUE"
		default:
			shape[i] = strconv.Itoa(42 + i)
		}
	}
	if len(shape) == 1 {
		return t.Name + " = " + shape[0]
	}
	return t.Name + " IN ((" + strings.Join(shape, ", ") + "))"
}

// readsAs reports whether a constant can be a value of a column of a kind. A string is
// read as what it spells, since keys arrive as text from programs too.
func readsAs(l *Literal, k schema.Kind) bool {
	switch k {
	case schema.Int:
		n := *l
		if l.Kind == LitString {
			n.Kind = LitInt
		}
		_, ok := n.Int()
		return ok
	case schema.Float:
		n := *l
		if l.Kind == LitString {
			n.Kind = LitDecimal
		}
		_, ok := n.Float()
		return ok
	case schema.Bool:
		return l.Kind == LitBool
	case schema.Time:
		_, ok := l.Time()
		return ok
	}
	return l.Kind == LitString || l.IsNumber()
}
