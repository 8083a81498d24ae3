package tql

import (
	"slices"
	"strings"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// maxSteps is the longest path that is found without VIA (rule R5).
const maxSteps = 4

// walked is a path from an aggregated table to the entity.
type walked struct {
	table int
	path  []tasks.Step
}

// pathOf finds the way from the aggregated table to the entity (rule R5).
func (b *binder) pathOf(a *Aggregate, table int) ([]tasks.Step, bool) {
	if b.entity == nil {
		return nil, false
	}
	if a.Via != nil {
		return b.via(a.Via, table)
	}
	paths := shortest(b.sc, table, b.task.Entity)
	from := b.sc.Tables[table]
	switch len(paths) {
	case 0:
		b.fault(a.argumentAt(), "TK123", "no foreign key leads from %q to %q within %d steps", from.Name, b.entity.Name, maxSteps).Hint =
			"name the way with VIA, or add a link in the mapping; " + linkNames(b.sc, table)
		return nil, false
	case 1:
		return steps(paths[0]), true
	}
	err := b.fault(a.argumentAt(), "TK120", "%d foreign-key paths of equal length lead from %q to %q", len(paths), from.Name, b.entity.Name)
	var hints []string
	for _, p := range paths {
		chosen := *a
		chosen.Via = &Via{Columns: viaColumns(b.sc, steps(p))}
		hints = append(hints, chosen.String())
	}
	err.Hint = "choose one: " + strings.Join(hints, " or ")
	return nil, false
}

// shortest lists the shortest paths. A self-reference is walked from child to parent only.
func shortest(sc *schema.Schema, from, to int) [][]graph.Step {
	paths := graph.Paths(sc, from, to, maxSteps)
	return slices.DeleteFunc(paths, func(p []graph.Step) bool {
		return slices.ContainsFunc(p, func(s graph.Step) bool { return s.Down && sc.Tables[s.Table].Links[s.Link].To == s.Table })
	})
}

func steps(p []graph.Step) []tasks.Step {
	out := make([]tasks.Step, len(p))
	for i, s := range p {
		out[i] = tasks.Step(s)
	}
	return out
}

func graphSteps(p []tasks.Step) []graph.Step {
	out := make([]graph.Step, len(p))
	for i, s := range p {
		out[i] = graph.Step(s)
	}
	return out
}

// viaText prints a path as the VIA clause that chooses it.
func viaText(sc *schema.Schema, from int, path []tasks.Step) string {
	p := &printer{}
	p.add("VIA ")
	p.columns(viaColumns(sc, path))
	return p.String()
}

// viaColumns names the foreign keys of a path: by their column, or by their constraint
// where one column does not tell them apart.
func viaColumns(sc *schema.Schema, path []tasks.Step) []*Column {
	var out []*Column
	for _, s := range path {
		t := sc.Tables[s.Table]
		l := t.Links[s.Link]
		name := l.Name
		if len(l.Columns) == 1 && linkByName(t, t.Columns[l.Columns[0]].Name) == s.Link {
			name = t.Columns[l.Columns[0]].Name
		}
		out = append(out, &Column{Parts: append(tableParts(sc, s.Table), Name{Text: name, Quoted: !plain(name)})})
	}
	return out
}

// via walks the columns of VIA, or of the PATH that it names.
func (b *binder) via(v *Via, table int) ([]tasks.Step, bool) {
	walk := v.Columns
	if len(walk) == 1 && len(walk[0].Parts) == 1 {
		for _, p := range b.paths {
			if sameNames([]Name{p.Name}, walk[0].Parts) {
				walk = p.Columns
			}
		}
	}
	at := table
	var out []tasks.Step
	for i, c := range walk {
		s, ok := b.viaStep(c, at, i+1)
		if !ok {
			return nil, false
		}
		out = append(out, s)
		at = graph.Step(s).To(b.sc)
	}
	if at != b.task.Entity {
		b.fault(v.Range(), "TK124", "the path ends at %q, not at %q", b.sc.Tables[at].Name, b.entity.Name).Hint = linkNames(b.sc, at)
		return nil, false
	}
	return out, true
}

// viaStep resolves one foreign-key column of a path that stands at table at; a link is
// also known by its constraint name.
func (b *binder) viaStep(c *Column, at, number int) (tasks.Step, bool) {
	holder := at
	if len(c.Parts) > 1 {
		var ok bool
		if holder, ok = b.tableNamed(c.Parts[:len(c.Parts)-1]); !ok {
			return tasks.Step{}, false
		}
	}
	if len(c.Follow) > 0 {
		b.fault(c.Range(), "TK124", "%s is a column of another row, not a step of a path", c).Hint = "list the foreign keys: VIA (" + c.Parts[len(c.Parts)-1].Text + ", ...)"
		return tasks.Step{}, false
	}
	name := c.Parts[len(c.Parts)-1]
	t := b.sc.Tables[holder]
	link := linkByName(t, name.Text)
	if link < 0 {
		col, ok := b.columnIn(holder, name)
		if !ok {
			return tasks.Step{}, false
		}
		if link, ok = b.linkOf(holder, col); !ok {
			b.fault(c.Range(), "TK122", "column %q of table %q is no foreign key by itself", t.Columns[col].Name, t.Name).Hint = linkNames(b.sc, holder)
			return tasks.Step{}, false
		}
	}
	switch {
	case holder == at:
		return tasks.Step{Table: holder, Link: link}, true
	case t.Links[link].To == at:
		return tasks.Step{Table: holder, Link: link, Down: true}, true
	}
	b.fault(c.Range(), "TK124", "step %d of the path stands at %q, and %s does not touch it", number, b.sc.Tables[at].Name, c).Hint = linkNames(b.sc, at)
	return tasks.Step{}, false
}

// linkByName finds the foreign key that a step of VIA names: the only one of exactly one
// column of that name, else the constraint of that name or, of several columns, the one that
// messages call so; -1 if there is none.
func linkByName(t *schema.Table, name string) int {
	found, n := -1, 0
	for i, l := range t.Links {
		if len(l.Columns) == 1 && strings.EqualFold(t.Columns[l.Columns[0]].Name, name) {
			found, n = i, n+1
		}
	}
	if n == 1 {
		return found
	}
	for i, l := range t.Links {
		if strings.EqualFold(l.Name, name) || len(l.Columns) > 1 && strings.EqualFold(t.Label(l), name) {
			return i
		}
	}
	return -1
}
