package model

import (
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
)

// Bound is a model together with the encoded rows of one snapshot. It is immutable
// and safe for concurrent use, each caller with a tape of its own.
type Bound struct {
	*Model
	Graph    *graph.Graph
	Entity   int                // table number of the entity
	features []*encode.Features // per node type; nil for types that no hop reaches
}

// Bind encodes the rows of g's snapshot for m. A graph whose tables, links or columns
// differ from those that m was trained on is an error that names the first difference;
// columns that m does not know are ignored.
func (m *Model) Bind(g *graph.Graph, pool *tensor.Pool) (*Bound, error) {
	if err := m.fits(g); err != nil {
		return nil, err
	}
	b := &Bound{Model: m, Graph: g, Entity: slices.Index(m.Types, m.Entity), features: make([]*encode.Features, len(m.Types))}
	for i, e := range m.Encoder {
		if e == nil {
			continue
		}
		var err error
		if b.features[i], err = e.Features(pool, g.Snap.Tables[i]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (m *Model) fits(g *graph.Graph) error { return Fits(m.Types, m.Edges, g) }

// Fits compares the tables and links of g with the node and edge types of a model; the
// error names the first difference.
func Fits(types []string, known []conv.EdgeType, g *graph.Graph) error {
	edges := EdgeTypes(g)
	for i := range max(len(g.Snap.Tables), len(types)) {
		switch {
		case i >= len(g.Snap.Tables):
			return fmt.Errorf("the snapshot has no table %q, which the model was trained with; train again", types[i])
		case i >= len(types):
			return fmt.Errorf("the snapshot has a table %q, which the model was not trained with; train again", g.Snap.Tables[i].Def.FullName())
		case g.Snap.Tables[i].Def.FullName() != types[i]:
			return fmt.Errorf("table %d of the snapshot is %q, the model was trained with %q; train again", i+1, g.Snap.Tables[i].Def.FullName(), types[i])
		}
	}
	for i := range max(len(edges), len(known)) {
		switch {
		case i >= len(edges):
			return fmt.Errorf("the snapshot lacks the link %q, which the model was trained with; train again", known[i].Name)
		case i >= len(known):
			return fmt.Errorf("the snapshot has a link %q, which the model was not trained with; train again", edges[i].Name)
		case edges[i] != known[i]:
			return fmt.Errorf("link %q of the snapshot was %q when the model was trained; train again", edges[i].Name, known[i].Name)
		}
	}
	return nil
}
