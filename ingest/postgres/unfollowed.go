package postgres

import (
	"fmt"
	"slices"
	"strings"
)

// unfollowed lists what by its names looks like references that no link can express: pairs of
// a type and an id, which point into one of several tables, and arrays of ids (case 25).
func (c *catalog) unfollowed() []string {
	var out []string
	for _, r := range c.relations {
		if !r.used() || c.denied(r) != "" {
			continue
		}
		for _, a := range r.attrs {
			stem, typed := cutSuffix(a.name, "_type", "Type")
			t, _, _, _ := c.baseType(a)
			switch _, ids := cutSuffix(a.name, "_ids", "Ids", "IDs"); {
			case t.array && ids:
				out = append(out, fmt.Sprintf("%s.%s: an array of ids; a table of pairs, or a view of unnest(%s) with --include, would link them", r.full(), a.name, a.name))
			case typed:
				if id := r.attr(stem+"_id", stem+"Id", stem+"ID"); id != nil && !r.linked(id.num) {
					out = append(out, fmt.Sprintf("%s.%s and %s: a reference to one of several tables; a view per type with --include, or a column per table, would link it", r.full(), a.name, id.name))
				}
			}
		}
	}
	return out
}

// printed lists the columns that hold values within values: json, arrays, ranges, composite
// types (cases 70, 71, 72).
func (c *catalog) printed() []string {
	var out []string
	for _, r := range c.relations {
		if !r.used() || c.denied(r) != "" {
			continue
		}
		for _, a := range r.attrs {
			t, _, _, ok := c.baseType(a)
			if ok && a.readable && (t.array || slices.Contains([]string{"json", "jsonb", "xml", "hstore", "vector"}, t.name) || strings.Contains("crm", t.kind)) {
				out = append(out, r.full()+"."+a.name+" ("+a.print+")")
			}
		}
	}
	return out
}

func cutSuffix(name string, suffixes ...string) (stem string, ok bool) {
	for _, s := range suffixes {
		if stem, ok := strings.CutSuffix(name, s); ok && stem != "" {
			return stem, true
		}
	}
	return "", false
}

// attr returns the column that has one of the names, or nil.
func (r *relation) attr(names ...string) *attr {
	for i := range r.attrs {
		if slices.Contains(names, r.attrs[i].name) {
			return &r.attrs[i]
		}
	}
	return nil
}

// linked reports whether a foreign key uses a column.
func (r *relation) linked(num int16) bool {
	return slices.ContainsFunc(r.links, func(l link) bool { return slices.Contains(l.columns, num) })
}
