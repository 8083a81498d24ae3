package csvdir

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// declared is the schema that the texts of schema.sql and load.sql declare, as far as
// there are files for it.
func (s *Source) declared(texts ...string) (*schema.Schema, error) {
	var all []*declaration
	for i, text := range texts {
		var err error
		if all, err = parseDDL(text, all); err != nil {
			return nil, &ingest.UserError{Msg: fmt.Sprintf("%s: %v", filepath.Join(s.dir, []string{schemaFile, loadFile}[i]), err),
				Hint: "CREATE TABLE and ALTER TABLE are read as Postgres writes them"}
		}
	}
	out := &schema.Schema{}
	var kept []*declaration
	used := map[string]bool{}
	for _, d := range all {
		f := s.file(d.name)
		if f == "" {
			skip(out, d.name, "declared in "+schemaFile+", but there is no file "+d.name+".csv")
			continue
		}
		used[f] = true
		kept = append(kept, d)
	}
	for _, f := range s.files {
		if !used[f] {
			skip(out, f, "not declared in "+schemaFile)
		}
	}
	if len(kept) == 0 {
		return nil, &ingest.UserError{Msg: fmt.Sprintf("%s declares none of the tables of the CSV files", filepath.Join(s.dir, schemaFile)),
			Hint: "a table is read from the file of its name, table.csv; without " + schemaFile + " columns and keys are inferred"}
	}
	slices.SortFunc(kept, func(a, b *declaration) int { return strings.Compare(a.name, b.name) })
	for _, d := range kept {
		header, lines, err := s.look(s.file(d.name))
		if err != nil {
			return nil, err
		}
		s.settle(out, d, header)
		out.Tables = append(out.Tables, d.build(out, lines))
	}
	for i, d := range kept {
		d.addLinks(out, out.Tables[i])
	}
	return out, nil
}

func skip(s *schema.Schema, object, reason string) {
	s.Skipped = append(s.Skipped, schema.Skipped{Object: object, Reason: reason})
}

// build makes the table of a declaration with about so many rows, without its links.
func (d *declaration) build(s *schema.Schema, rows int64) *schema.Table {
	t := &schema.Table{Name: d.name, Estimate: rows}
	for _, c := range d.columns {
		inLink := slices.ContainsFunc(d.links, func(r reference) bool { return slices.Contains(r.from, c.name) })
		inKey := slices.Contains(d.key, c.name)
		typ := typeOf(c.typ, inKey || inLink)
		t.Columns = append(t.Columns, schema.Column{Name: c.name, DBType: typ.dbType, Kind: typ.kind, NotNull: c.notNull || inKey})
	}
	if len(d.key) > 0 {
		if key, ok := positions(t, d.key); ok {
			t.Key, t.KeyReason = key, schema.Declared
		} else {
			skip(s, "primary key of "+d.name, "uses a column that is not read")
		}
	}
	for _, u := range d.unique {
		cols, ok := positions(t, u)
		if ok && !slices.ContainsFunc(cols, func(c int) bool { return !t.Columns[c].NotNull }) {
			t.Unique = append(t.Unique, cols)
		}
	}
	return t
}

// addLinks adds the foreign keys of a declaration to its table, or says why one is left out.
func (d *declaration) addLinks(s *schema.Schema, t *schema.Table) {
	for _, r := range d.links {
		object := fmt.Sprintf("foreign key (%s) of %s", strings.Join(r.from, ", "), d.name)
		to := s.Table(r.table)
		if to < 0 {
			skip(s, object, fmt.Sprintf("refers to %s, which is not read", r.table))
			continue
		}
		cols, ok := positions(t, r.from)
		ref, ok2 := s.Tables[to].Key, true
		if len(r.to) > 0 {
			ref, ok2 = positions(s.Tables[to], r.to)
		}
		switch {
		case !ok || !ok2:
			skip(s, object, "uses a column that is not read")
		case len(ref) != len(cols):
			skip(s, object, fmt.Sprintf("pairs %d columns with a key of %d", len(cols), len(ref)))
		default:
			name := r.name
			if name == "" {
				name = strings.Join(t.Names(cols), "_")
			}
			t.Links = append(t.Links, schema.Link{Name: name, Columns: cols, To: to, Ref: slices.Clone(ref), Reason: schema.Declared})
		}
	}
}

// positions maps names to column numbers; ok is false when one is missing or opaque.
func positions(t *schema.Table, names []string) (out []int, ok bool) {
	for _, n := range names {
		i := t.Column(n)
		if i < 0 || t.Columns[i].Kind == schema.Opaque {
			return nil, false
		}
		out = append(out, i)
	}
	return out, len(out) > 0
}
