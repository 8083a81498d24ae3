// Package sourcetest is the contract that every source keeps: the same small
// database gives the same snapshot, whichever database system holds it.
package sourcetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// Run opens the source that url names and demands the snapshot want of it: the same
// tables with the same columns, values, keys, links and parents. Order of tables,
// names of links, types as the database spells them and namespaces may differ. The
// source's package must be linked in.
func Run(t *testing.T, want *ingest.Snapshot, url string, opt ingest.OpenOptions) {
	t.Helper()
	take := func(t *testing.T) *ingest.Snapshot {
		t.Helper()
		src, err := ingest.Open(t.Context(), url, opt)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		snap, err := ingest.Take(t.Context(), src, ingest.TakeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return snap
	}
	t.Run("same snapshot", func(t *testing.T) {
		for _, d := range Diff(take(t), want) {
			t.Error(d)
		}
	})
	t.Run("same ID again", func(t *testing.T) {
		if a, b := take(t).ID, take(t).ID; a != b || a == "" {
			t.Errorf("two snapshots of one database have IDs %q and %q", a, b)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		src, err := ingest.Open(t.Context(), url, opt)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		sc, err := src.Schema(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := ingest.Take(ctx, src, ingest.TakeOptions{Schema: sc}); !errors.Is(err, context.Canceled) {
			t.Errorf("reading with a cancelled context: error %v, want %v", err, context.Canceled)
		}
	})
	t.Run("unknown schema", func(t *testing.T) {
		src, err := ingest.Open(t.Context(), url, ingest.OpenOptions{Schemas: []string{"no_such_schema"}})
		if err == nil {
			defer src.Close()
			_, err = src.Schema(t.Context())
		}
		var user *ingest.UserError
		if !errors.As(err, &user) || !strings.Contains(err.Error(), "no_such_schema") {
			t.Errorf("error %v, want a user error that names the schema", err)
		}
	})
}

// Diff says in which ways got differs from want; nil when in none.
func Diff(got, want *ingest.Snapshot) []string {
	var out []string
	report := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, g := range got.Tables {
		if table(want, g.Def.Name) == nil {
			report("table %q is too much", g.Def.Name)
		}
	}
	for _, w := range want.Tables {
		g := table(got, w.Def.Name)
		if g == nil {
			report("table %q is missing", w.Def.Name)
			continue
		}
		diffTable(g, w, func(format string, args ...any) {
			report("table %q: "+format, append([]any{w.Def.Name}, args...)...)
		})
		gl, wl := links(got, g), links(want, w)
		for name, parents := range wl {
			if p, ok := gl[name]; !ok {
				report("table %q: link %s is missing; there are %v", w.Def.Name, name, keysOf(gl))
			} else if p != parents {
				report("table %q: link %s has parents %s, want %s", w.Def.Name, name, p, parents)
			}
		}
		if len(gl) > len(wl) {
			report("table %q has links %v, want %v", w.Def.Name, keysOf(gl), keysOf(wl))
		}
	}
	slices.Sort(out)
	return out
}

func diffTable(g, w *ingest.Table, report func(string, ...any)) {
	if g.Rows != w.Rows {
		report("%d rows, want %d", g.Rows, w.Rows)
		return
	}
	if a, b := columnList(g.Def), columnList(w.Def); a != b {
		report("columns %s, want %s", a, b)
		return
	}
	if !slices.Equal(g.Def.Key, w.Def.Key) {
		report("key %v, want %v", g.Def.Key, w.Def.Key)
	}
	if a, b := fmt.Sprint(sorted(g.Def.Unique)), fmt.Sprint(sorted(w.Def.Unique)); a != b {
		report("unique keys %s, want %s", a, b)
	}
	for c := range w.Columns {
		for r := range w.Rows {
			if a, b := g.Columns[c].Value(r), w.Columns[c].Value(r); a != b {
				report("row %d, column %q: %v, want %v", r, w.Def.Columns[c].Name, a, b)
			}
		}
	}
}

func table(s *ingest.Snapshot, name string) *ingest.Table {
	for _, t := range s.Tables {
		if t.Def.Name == name {
			return t
		}
	}
	return nil
}

func columnList(t *schema.Table) string {
	var b strings.Builder
	for _, c := range t.Columns {
		fmt.Fprintf(&b, "%s:%v ", c.Name, c.Kind)
	}
	return b.String()
}

// sorted orders the unique keys, whose order in a catalog means nothing.
func sorted(keys [][]int) [][]int {
	out := slices.Clone(keys)
	slices.SortFunc(out, slices.Compare[[]int])
	return out
}

// links maps what a link joins to its parents and dangling references. The columns
// of a composite key may be paired in any order.
func links(s *ingest.Snapshot, t *ingest.Table) map[string]string {
	out := map[string]string{}
	for i, l := range t.Def.Links {
		to := s.Tables[l.To].Def
		var pairs []string
		for k, c := range l.Columns {
			pairs = append(pairs, t.Def.Columns[c].Name+"="+to.Columns[l.Ref[k]].Name)
		}
		slices.Sort(pairs)
		name := strings.Join(pairs, ",") + " -> " + to.Name
		out[name] = fmt.Sprintf("%v dangling %d", t.Parents[i], t.Dangling[i])
	}
	return out
}

func keysOf(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
