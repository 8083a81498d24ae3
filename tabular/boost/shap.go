package boost

// Explain returns the Shapley values of one row (features, as in [Model.Raw]): outputs x
// (features + 1), row-major, the last column being the mean score of the training rows.
// Each line adds up to the raw score. The game is that of Lundberg et al., "Consistent
// individualized feature attribution for tree ensembles" (2018): a feature that is left
// out sends a row down both sides by their training rows. Cost: leaves x depth^2.
func (m *Model) Explain(x []float64) []float64 {
	width, k := len(m.Features)+1, len(m.Base)
	if len(x) != len(m.Features) {
		panic("boost: the row is not as wide as the model has features")
	}
	row := make([]float64, len(x))
	for i, v := range x {
		if v == v {
			v = clamp(v)
		}
		row[i] = v
	}
	out := make([]float64, k*width)
	for o, base := range m.Base {
		out[o*width+width-1] = base
	}
	for t := range m.Trees {
		phi := out[t%k*width : (t%k+1)*width]
		tree := &m.Trees[t]
		phi[width-1] += tree.mean()
		if len(tree.Nodes) > 0 {
			e := explainer{tree: tree, features: m.Features, row: row, phi: phi}
			e.walk(0, nil, 1, 1, -1)
		}
	}
	return out
}

// mean is the mean value of the training rows.
func (t *Tree) mean() float64 {
	var sum, n float64
	for _, l := range t.Leaves {
		sum += l.Value * float64(l.Rows)
		n += float64(l.Rows)
	}
	return sum / n
}

// explainer walks one tree for one row.
type explainer struct {
	tree     *Tree
	features []Feature
	row      []float64
	phi      []float64
}

// step is a distinct feature on the path to a node: the share of training rows that pass
// where it is left out, 1 or 0 for the row itself where it is known, and the weight of the
// subsets with as many features as the step's position.
type step struct {
	feature    int
	zero, one  float64
	proportion float64
}

func (e *explainer) rows(node int32) float64 {
	if node < 0 {
		return float64(e.tree.Leaves[^node].Rows)
	}
	return float64(e.tree.Nodes[node].Rows)
}

// walk is algorithm 2 of the paper; the path is copied at each node.
func (e *explainer) walk(node int32, path []step, zero, one float64, feature int) {
	path = extend(path, zero, one, feature)
	if node < 0 {
		value := e.tree.Leaves[^node].Value
		for i := 1; i < len(path); i++ {
			e.phi[path[i].feature] += unwoundSum(path, i) * (path[i].one - path[i].zero) * value
		}
		return
	}
	n := &e.tree.Nodes[node]
	hot, cold := n.Right, n.Left
	if n.goesLeft(e.row[n.Feature], e.features) {
		hot, cold = cold, hot
	}
	zero, one = 1, 1
	for i := 1; i < len(path); i++ {
		if path[i].feature == n.Feature { // met before: both shares multiply
			zero, one = path[i].zero, path[i].one
			path = unwind(path, i)
			break
		}
	}
	total := e.rows(node)
	e.walk(hot, path, zero*e.rows(hot)/total, one, n.Feature)
	e.walk(cold, path, zero*e.rows(cold)/total, 0, n.Feature)
}

// extend appends a step to a copy of the path and grows the subsets by it.
func extend(path []step, zero, one float64, feature int) []step {
	l := len(path)
	p := append(path[:l:l], step{feature, zero, one, 0})
	if l == 0 {
		p[0].proportion = 1
	}
	size := float64(l + 1)
	for i := l - 1; i >= 0; i-- {
		p[i+1].proportion += one * p[i].proportion * float64(i+1) / size
		p[i].proportion *= zero * (size - float64(i+1)) / size
	}
	return p
}

// unwind undoes the extension by step i, in a copy.
func unwind(path []step, i int) []step {
	l := len(path) - 1
	p := append([]step(nil), path...)
	one, zero := p[i].one, p[i].zero
	next, size := p[l].proportion, float64(l+1)
	for j := l - 1; j >= 0; j-- {
		if one != 0 {
			t := p[j].proportion
			p[j].proportion = next * size / (float64(j+1) * one)
			next = t - p[j].proportion*zero*(size-float64(j+1))/size
		} else {
			p[j].proportion *= size / (zero * (size - float64(j+1)))
		}
	}
	for j := i; j < l; j++ {
		p[j].feature, p[j].zero, p[j].one = p[j+1].feature, p[j+1].zero, p[j+1].one
	}
	return p[:l]
}

// unwoundSum is the weight of all subsets without step i.
func unwoundSum(path []step, i int) float64 {
	l := len(path) - 1
	one, zero := path[i].one, path[i].zero
	next, size, sum := path[l].proportion, float64(l+1), 0.0
	for j := l - 1; j >= 0; j-- {
		if one != 0 {
			t := next * size / (float64(j+1) * one)
			sum += t
			next = path[j].proportion - t*zero*(size-float64(j+1))/size
		} else if zero != 0 {
			sum += path[j].proportion * size / (zero * (size - float64(j+1)))
		}
	}
	return sum
}
