package scan

import "github.com/rowlink/rowlink/graph"

// overhead is how much more memory the process takes than the arrays that are counted, by
// measurement on two databases: parts before they are joined, gradients, what the
// collector has not found yet.
const overhead = 4

// Bytes is about how much memory a training takes that reads so many queries: states of
// features and messages after every event, or of a block of events and where queries read,
// and what the queries read, before and after it is scaled and with its gradient.
func (m *Model) Bytes(g *graph.Graph, queries int) int64 {
	const number, copies = 4, 3
	total := int64(queries) * int64(m.width[0]+m.width[1]) * number * copies
	if !m.bounded(g) {
		return (total + m.stateBytes(g)) * overhead
	}
	rows, widest := int64(0), 0
	for _, p := range m.plan.states {
		rows += int64(g.Snap.Tables[p.from].Rows) * 4 * 5 // ancestor, row, time, gap, and room to sort
		widest = max(widest, m.feature[p.from].width+1, m.Config.Width+1)
	}
	for t, f := range m.feature {
		if f != nil {
			rows += int64(g.Snap.Tables[t].Rows) * int64(f.width) * number * 2 // encoded, and as numbers
		}
	}
	states := int64(queries) * int64(m.width[1]) * number * 2
	return (total+states+int64(blockEvents)*int64(widest)*int64(len(m.Config.HalfLives)+2)*number)*overhead + rows
}

// stateBytes counts the states after every event, and messages as they come and in order.
func (m *Model) stateBytes(g *graph.Graph) (total int64) {
	const number = 4
	rates := int64(len(m.Config.HalfLives))
	for _, p := range m.plan.states {
		columns := int64(m.feature[p.from].width+1) + int64(m.Config.Layers*(m.Config.Width+1))
		total += int64(g.Snap.Tables[p.from].Rows) * columns * (rates + 2) * number
	}
	return total
}
