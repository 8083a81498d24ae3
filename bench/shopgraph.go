package bench

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

const dayMicros = 86_400_000_000

// newShopLoad builds users, items and facts that link both, with a number and a class
// each; the times of the facts ascend over 1,000 days. A user has few facts or many.
// The queries ask random users at moments of the last tenth.
func newShopLoad(users, items, facts, queries int) (*scoringLoad, error) {
	draws := sample.Stream(7)
	l := newLinked()
	l.table("users", users, nil)
	l.table("items", items, nil)
	times, user, item := make([]int64, facts), make([]int32, facts), make([]int32, facts)
	for i := range facts {
		times[i] = int64(float64(i) / float64(facts) * 1000 * dayMicros)
		u := draws.Below(uint64(3*i), uint64(users))
		if draws.Draw(uint64(3*i+1))%4 == 0 {
			u = u * u / uint64(users) // one in four goes to the lower numbers
		}
		user[i], item[i] = int32(u), int32(draws.Below(uint64(3*i+2), uint64(items)))
	}
	f := l.table("facts", facts, times)
	l.link(f, 0, "user_id", user)
	l.link(f, 1, "item_id", item)
	for _, t := range l.snap.Tables {
		addCells(t)
	}
	g, err := graph.Build(l.snap)
	if err != nil {
		return nil, err
	}
	out := &scoringLoad{graph: g, horizon: 30, queries: make([]model.Query, queries)}
	var all []*encode.Table
	for _, t := range l.snap.Tables {
		enc, err := encode.Fit(t, out.rule, 900*dayMicros, nil)
		if err != nil {
			return nil, fmt.Errorf("fit encoders of %s: %w", t.Def.Name, err)
		}
		all = append(all, enc)
	}
	out.encoders = func(int) ([]*encode.Table, error) { return all, nil }
	for i := range out.queries {
		at := int64(900+draws.Below(uint64(i)<<32, 100)) * dayMicros
		out.queries[i] = model.Query{Row: int32(draws.Below(uint64(i)<<32+1, uint64(users))), Cut: at, Anchor: at}
	}
	return out, nil
}

// addCells gives a table the numbers of its rows as keys, and two columns: a number, and
// a class of 20. The links and the time of linked tables have no cells.
func addCells(t *ingest.Table) {
	draws := sample.Stream(uint64(t.Rows))
	keys, class, number := make([]int64, t.Rows), make([]int64, t.Rows), make([]float64, t.Rows)
	for i := range keys {
		keys[i], class[i] = int64(i), int64(draws.Below(uint64(2*i), 20))
		number[i] = float64(draws.Below(uint64(2*i+1), 1000))
	}
	t.Def.Columns[0].Kind = schema.Int
	t.Columns = make([]ingest.Column, len(t.Def.Columns), len(t.Def.Columns)+2)
	t.Columns[0] = ingest.Column{Kind: schema.Int, Ints: keys}
	for i := 1; i < len(t.Def.Columns); i++ {
		t.Def.Columns[i].Kind, t.Def.Columns[i].Sem = schema.Opaque, schema.SemID
		t.Columns[i].Kind = schema.Opaque
	}
	t.Def.Columns = append(t.Def.Columns, schema.Column{Name: "amount", Kind: schema.Float, Sem: schema.SemNumerical},
		schema.Column{Name: "kind", Kind: schema.Int, Sem: schema.SemCategorical})
	t.Columns = append(t.Columns, ingest.Column{Kind: schema.Float, Floats: number}, ingest.Column{Kind: schema.Int, Ints: class})
}
