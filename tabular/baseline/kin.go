package baseline

import (
	"fmt"

	"github.com/rowlink/rowlink/graph"
)

// kin are the foreign keys over which past values of a target without window are found:
// an entity row has no past of its own, but other rows of the same driver have.
type kin struct {
	edge    int     // from the target history to the row that both point to
	parents []int32 // of each entity row
	name    string  // of the foreign key
}

// kinOf lists the ways from an entity row to past values: itself where the target has a
// window, else one for each link of the target history.
func kinOf(d *Data, table int) []kin {
	var out []kin
	for i, e := range d.Graph.Edges {
		if e.Rev || e.Table != table {
			continue
		}
		def := d.Graph.Snap.Tables[table].Def
		k := kin{edge: i, name: def.Label(def.Links[e.Link])}
		if d.Task.Static() {
			k.parents = entityParents(d.Graph, d.Task.Entity, k.name)
		}
		out = append(out, k)
	}
	return out
}

// entityParents are those by the link of a name; the target history of a static target
// has the links of the entity table under their names.
func entityParents(g *graph.Graph, entity int, name string) []int32 {
	t := g.Snap.Tables[entity]
	for i, l := range t.Def.Links {
		if t.Def.Label(l) == name {
			return t.Parents[i]
		}
	}
	return nil
}

// of is the row whose past values count for an entity row as of a cut, -1 for none.
func (k *kin) of(d *Data, row int32, cut int64) int32 {
	if k.parents == nil {
		return row
	}
	p := k.parents[row]
	if p >= 0 && !d.Graph.Snap.Tables[d.Graph.Edges[k.edge].Dst].VisibleAt(d.Task.Options.Rule, p, cut) {
		return -1
	}
	return p
}

// chosen finds a way by its name; the first for the empty name of a target with a window.
func chosen(d *Data, table int, name string) (kin, error) {
	for _, k := range kinOf(d, table) {
		if !d.Task.Static() || k.name == name {
			return k, nil
		}
	}
	if d.Task.Static() && name == "" {
		return kin{edge: -1}, nil // no history: the prior answers
	}
	return kin{}, fmt.Errorf("the graph holds no past values by %q", name)
}

// names lists the ways that are tried: all of a static target, in the order of its links.
func (d *Data) kinNames() []string {
	if !d.Task.Static() {
		return []string{""}
	}
	var out []string
	for _, k := range kinOf(d, len(d.Graph.Snap.Tables)-1) {
		out = append(out, k.name)
	}
	if out == nil || d.Graph.Snap.Tables[d.Task.Entity].Times == nil {
		out = []string{""}
	}
	return out
}
