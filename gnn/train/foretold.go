package train

import (
	"math"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// Windows of a pretraining in horizons, and bounds of what is foretold of a table.
var foretoldWindows = []float64{1, 4, 16}

const (
	mostDense = 64  // dense features of the next row
	mostCodes = 128 // codes of its categories
	wideCodes = 64  // columns with more codes are left out
	mostParts = 16  // tables of children
	mostLinks = 4   // foreign keys of the next row, per table
)

// future is what is foretold of the children of one table: per window whether one comes
// and log(1 + how many), log(1 + days to the next one), its dense features, its codes, and
// for each of its other foreign keys a vector that is compared with those of rows.
type future struct {
	list  *graph.List
	table int // of the children
	at    int // first output
	dense int
	code  map[int32]int // code of the table's encoder -> output, from at
	codes int
	links []futureLink
	wide  int // outputs
}

// futureLink is a foreign key of the next row: the parents it may point to.
type futureLink struct {
	parents []int32 // by child row
	table   int
	at      int // first of Width outputs
}

// foretold lists what is foretold of an entity's rows, and how many outputs it takes.
func foretold(d Unlabelled, enc []*encode.Table, width int) (parts []*future, outputs int) {
	for _, e := range d.Graph.Into[d.Entity] {
		edge := d.Graph.Edges[e]
		if edge.Rev || enc[edge.Src] == nil || d.Graph.List(e).Times == nil || len(parts) == mostParts {
			continue
		}
		f := &future{list: d.Graph.List(e), table: edge.Src, at: outputs}
		f.dense = min(enc[edge.Src].Dense, mostDense)
		f.wide = 2*len(foretoldWindows) + 1 + f.dense
		f.addCodes(enc[edge.Src])
		f.addLinks(d.Graph, e, enc, width)
		parts = append(parts, f)
		outputs += f.wide
	}
	return parts, outputs
}

// addCodes gives outputs to the codes of categories.
func (f *future) addCodes(e *encode.Table) {
	f.code = map[int32]int{}
	for _, c := range e.Columns {
		_, codes := c.Encoder.Shape()
		if c.Sem != schema.SemCategorical && c.Sem != schema.SemBoolean || codes > wideCodes || f.codes+codes > mostCodes {
			continue
		}
		for k := range codes {
			f.code[int32(c.CodeFrom+k)] = f.wide
			f.wide++
		}
		f.codes += codes
	}
}

// addLinks gives outputs to the foreign keys of a child but the one to the entity.
func (f *future) addLinks(g *graph.Graph, own int, enc []*encode.Table, width int) {
	for _, e := range g.Into[f.table] {
		edge := g.Edges[e]
		if !edge.Rev || e == own+1 || enc[edge.Src] == nil || len(f.links) == mostLinks {
			continue
		}
		f.links = append(f.links, futureLink{g.Parents(e), edge.Src, f.at + f.wide})
		f.wide += width
	}
}

// next is the first child after an instant among those that are known at the end, -1 for
// none, and in how many days it comes.
func (f *future) next(rule ingest.TimeRule, row int32, at, until int64) (child int32, days float64) {
	rows, times := f.list.Of(row)
	n := rule.Cut(times, at)
	if n >= rule.Cut(times, until) {
		return -1, 0
	}
	return rows[n], float64(times[n]-at) / dayMicros
}

// within counts the children of a window after an instant.
func (f *future) within(rule ingest.TimeRule, row int32, at, end int64) int {
	_, times := f.list.Of(row)
	return rule.Cut(times, end) - rule.Cut(times, at)
}

const dayMicros = 86_400_000_000

// toward writes the gradient of a Huber loss of width 1 and returns the loss.
func toward(out, target float64) (loss, grad float64) {
	d := out - target
	if a := math.Abs(d); a > 1 {
		return a - 0.5, math.Copysign(1, d)
	}
	return d * d / 2, d
}

// odds is the log loss of one logit and its gradient.
func odds(out, target float64) (loss, grad float64) {
	p := 1 / (1 + math.Exp(-out))
	return math.Max(out, 0) - out*target + math.Log1p(math.Exp(-math.Abs(out))), p - target
}
