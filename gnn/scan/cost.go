package scan

import "github.com/rowlink/rowlink/graph"

// overhead is how much more memory the process takes than the arrays that are counted, by
// measurement on two databases: parts before they are joined, gradients, what the
// collector has not found yet.
const overhead = 4

// Bytes is about how much memory a training takes that reads so many queries: states of
// features and messages after every event, and what the queries read, before and after
// it is scaled and with its gradient.
func (m *Model) Bytes(g *graph.Graph, queries int) int64 {
	const number, copies = 4, 3
	rates := int64(len(m.Config.HalfLives))
	total := int64(queries) * int64(m.width[0]+m.width[1]) * number * copies
	for _, p := range m.plan.states {
		columns := int64(m.feature[p.from].width+1) + int64(m.Config.Layers*(m.Config.Width+1))
		total += int64(g.Snap.Tables[p.from].Rows) * columns * (rates + 2) * number // states, and messages as they come and in order
	}
	return total * overhead
}
