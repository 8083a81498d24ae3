package csvdir

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// candidates are the types that a column may have by its values, the first that holds
// them all.
var candidates = []string{"bigint", "double precision", "date", "timestamp with time zone", "boolean", "text"}

// guess is what is known of a column after its file has been read.
type guess struct {
	name   string
	fits   []bool // per candidate
	seen   map[string]struct{}
	unique bool // no value twice so far
	nulls  int
	rows   int
}

// inferred reads all files and guesses what schema.sql would say.
func (s *Source) inferred(ctx context.Context) (*schema.Schema, error) {
	out := &schema.Schema{}
	var all [][]guess
	for _, f := range s.files {
		if s.file(tableOf(f)) != f {
			skip(out, f, "another file has the same name")
			continue
		}
		g, err := s.guess(ctx, filepath.Join(s.dir, f))
		if err != nil {
			return nil, err
		}
		all = append(all, g)
		out.Tables = append(out.Tables, tableFrom(tableOf(f), g))
	}
	for i, t := range out.Tables {
		proposeLinks(out, t, all[i], all)
	}
	return out, nil
}

func (s *Source) guess(ctx context.Context, path string) ([]guess, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &ingest.SourceError{Op: fmt.Sprintf("read %q", path), Err: err}
	}
	defer f.Close()
	r := newRecords(f)
	header, err := r.header(path)
	if err != nil {
		return nil, err
	}
	out := make([]guess, len(header))
	for i, h := range header {
		out[i] = guess{name: h, fits: make([]bool, len(candidates)), unique: true, seen: map[string]struct{}{}}
		for k := range out[i].fits {
			out[i].fits[k] = true
		}
	}
	for n := 0; ; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		more, err := r.row(path, len(header))
		if !more || err != nil {
			return out, err
		}
		for i := range out {
			out[i].add(r.field(i))
		}
	}
}

func (g *guess) add(v []byte, null bool) {
	g.rows++
	if null {
		g.nulls++
		return
	}
	field := string(v)
	if g.unique {
		if _, twice := g.seen[field]; twice {
			g.unique = false
			if !identifier(g.name) {
				g.seen = nil // only keys are compared with other tables
			}
		}
	}
	if g.seen != nil {
		g.seen[field] = struct{}{}
	}
	for k := range g.fits {
		if g.fits[k] {
			g.fits[k] = fits(candidates[k], field)
		}
	}
}

// fits reports whether a type holds a value without loss of its form.
func fits(typ, field string) bool {
	var c ingest.ColumnBuilder
	switch typ {
	case "bigint":
		return !code(field) && !strings.ContainsAny(field, ".eE") && putInt(&c, field)
	case "double precision":
		return !code(field) && putFloat(&c, field)
	case "boolean":
		return len(field) > 1 && putBool(&c, field) // y, n, 1 and 0 may mean anything
	case "date":
		return len(field) == len("2006-01-02") && putTime(&c, field)
	}
	put := types[typ].put // none for text, which holds everything
	return put == nil || put(&c, field)
}

// code reports whether a value is written like a number but is none: 007.
func code(field string) bool {
	d := strings.TrimPrefix(field, "-")
	return len(d) > 1 && d[0] == '0' && d[1] >= '0' && d[1] <= '9'
}

// typ is the type of the values; text where there are none.
func (g *guess) typ() string {
	if g.nulls < g.rows {
		for k, ok := range g.fits {
			if ok {
				return candidates[k]
			}
		}
	}
	return "text"
}

func tableFrom(name string, columns []guess) *schema.Table {
	t := &schema.Table{Name: name}
	for i := range columns {
		g := &columns[i]
		typ := typeOf(g.typ(), false)
		t.Columns = append(t.Columns, schema.Column{Name: g.name, DBType: typ.dbType, Kind: typ.kind, NotNull: g.nulls == 0 && g.rows > 0})
		t.Estimate = int64(g.rows)
	}
	for i := range columns {
		g := &columns[i]
		if kind := t.Columns[i].Kind; g.unique && g.nulls == 0 && g.rows > 0 && (kind == schema.Int || kind == schema.Text) && names(g.name, name, i) {
			t.Key, t.KeyReason = []int{i}, fmt.Sprintf("proposed: no value of %q occurs twice, and it is named like a key", g.name)
			return t
		}
	}
	return t
}

// identifier reports whether a column is named as if it held keys.
func identifier(column string) bool {
	c := strings.ToLower(column)
	return strings.HasSuffix(c, "id") || strings.HasSuffix(c, "code") || strings.HasSuffix(c, "key")
}

// names reports whether column number i is named like the key of a table: id, customer_id
// or customerId of customers; a first column that holds an identifier will do.
func names(column, table string, i int) bool {
	c := bare(column)
	return c == "id" || i == 0 && identifier(column) || c == bare(table)+"id" || c == singular(bare(table))+"id"
}

// bare is a name in lower case without underscores.
func bare(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "") }

// singular of an English plural.
func singular(name string) string {
	switch {
	case strings.HasSuffix(name, "ies"):
		return strings.TrimSuffix(name, "ies") + "y"
	case strings.HasSuffix(name, "sses"), strings.HasSuffix(name, "xes"):
		return strings.TrimSuffix(name, "es")
	}
	return strings.TrimSuffix(name, "s")
}

// mostLost is the share of values that a proposed link may leave without a parent.
const mostLost = 0.05

// proposeLinks links columns that are named after the key of another table and nearly
// all of whose values are among its keys.
func proposeLinks(s *schema.Schema, t *schema.Table, columns []guess, all [][]guess) {
	for i := range columns {
		g := &columns[i]
		if len(g.seen) == 0 {
			continue
		}
		for k, to := range s.Tables {
			if to == t || len(to.Key) != 1 || to.Columns[to.Key[0]].Kind != t.Columns[i].Kind {
				continue
			}
			key := &all[k][to.Key[0]]
			own := len(t.Key) == 1 && t.Key[0] == i && bare(g.name) == singular(bare(t.Name))+"id"
			if own || !refers(g.name, to.Name, key.name) {
				continue
			}
			lost := 0
			for v := range g.seen {
				if _, ok := key.seen[v]; !ok {
					lost++
				}
			}
			if float64(lost) > mostLost*float64(len(g.seen)) {
				continue
			}
			reason := fmt.Sprintf("proposed: named after %s.%s, which has %d of its %d values", to.Name, key.name, len(g.seen)-lost, len(g.seen))
			t.Links = append(t.Links, schema.Link{Name: g.name, Columns: []int{i}, To: k, Ref: []int{to.Key[0]}, Reason: reason})
			break
		}
	}
}

// refers reports whether a column is named after the key of a table: customerId or
// customer_id, with anything before it (billing_customer_id), or as the key itself is.
func refers(column, table, key string) bool {
	c := bare(column)
	return c != "id" && (c == bare(key) || strings.HasSuffix(c, singular(bare(table))+"id") || strings.HasSuffix(c, bare(table)+"id"))
}
