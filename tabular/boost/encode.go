package boost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// formatVersion is that of the stored form. Version 1: a JSON object with the keys below;
// the numbers of a tree stand column by column, child -1 is leaf 0, -2 leaf 1, and so on.
const formatVersion = 1

// maxBytes bounds what is read of a stored model.
const maxBytes = 1 << 30

type wireModel struct {
	Version   int           `json:"version"`
	Objective string        `json:"objective"`
	Base      []float64     `json:"base"`
	Features  []wireFeature `json:"features"`
	Trees     []wireTree    `json:"trees"`
}

// wireFeature leaves out the cuts: thresholds stand in the trees.
type wireFeature struct {
	Name        string  `json:"name"`
	Monotone    int     `json:"monotone,omitempty"`
	Categorical bool    `json:"categorical,omitempty"`
	Known       []int32 `json:"known,omitempty"`
}

type wireTree struct {
	Feature     []int     `json:"feature,omitempty"`
	Threshold   []float64 `json:"threshold,omitempty"` // of categories: a position in Sets
	Sets        [][]int   `json:"sets,omitempty"`      // ascending bins that go left
	MissingLeft []int     `json:"missing_left,omitempty"`
	Left        []int32   `json:"left,omitempty"`
	Right       []int32   `json:"right,omitempty"`
	Gain        []float64 `json:"gain,omitempty"`
	Value       []float64 `json:"value"`
	Rows        []int     `json:"rows"` // of the leaves
}

// MarshalJSON writes the stored form. Reading it back gives a model of the same bits.
func (m *Model) MarshalJSON() ([]byte, error) {
	w := wireModel{Version: formatVersion, Objective: m.Objective, Base: m.Base, Features: make([]wireFeature, len(m.Features)), Trees: make([]wireTree, len(m.Trees))}
	for i, f := range m.Features {
		w.Features[i] = wireFeature{f.Name, f.Monotone, f.Categorical, f.Known}
	}
	for i := range m.Trees {
		w.Trees[i] = m.Trees[i].wire()
	}
	return json.Marshal(w)
}

func (t *Tree) wire() wireTree {
	w := wireTree{Value: make([]float64, len(t.Leaves)), Rows: make([]int, len(t.Leaves))}
	for i, l := range t.Leaves {
		w.Value[i], w.Rows[i] = l.Value, l.Rows
	}
	for _, n := range t.Nodes {
		threshold, missing := n.Threshold, 0
		if n.MissingLeft {
			missing = 1
		}
		if n.Set != nil {
			threshold = float64(len(w.Sets))
			w.Sets = append(w.Sets, n.Set.list())
		}
		w.Feature, w.Threshold, w.MissingLeft = append(w.Feature, n.Feature), append(w.Threshold, threshold), append(w.MissingLeft, missing)
		w.Left, w.Right, w.Gain = append(w.Left, n.Left), append(w.Right, n.Right), append(w.Gain, n.Gain)
	}
	return w
}

func (s *binSet) list() []int {
	var out []int
	for b := range 256 {
		if s.has(uint8(b)) {
			out = append(out, b)
		}
	}
	return out
}

// UnmarshalJSON reads the stored form. It refuses unknown keys, other versions, and trees
// that are none, so that a model that was read always predicts.
func (m *Model) UnmarshalJSON(data []byte) error {
	if len(data) > maxBytes {
		return fmt.Errorf("read boosted trees: %d bytes, want at most %d", len(data), maxBytes)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var w wireModel
	if err := d.Decode(&w); err != nil {
		return fmt.Errorf("read boosted trees: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("read boosted trees: something follows the model")
	}
	if w.Version != formatVersion {
		return fmt.Errorf("read boosted trees: version %d, want %d", w.Version, formatVersion)
	}
	read, err := w.model()
	if err != nil {
		return fmt.Errorf("read boosted trees: %w", err)
	}
	*m = *read
	return nil
}

func (w *wireModel) model() (*Model, error) {
	k, err := kinds.Get(w.Objective)
	if err != nil {
		return nil, err
	}
	if n := len(w.Base); n < 1 || n > maxOutputs || n > 1 && !k.wide {
		return nil, fmt.Errorf("%d outputs for objective %q", n, w.Objective)
	}
	if len(w.Features) == 0 {
		return nil, errors.New("no features, want at least 1")
	}
	if n := len(w.Trees); n%len(w.Base) != 0 || n/len(w.Base) > maxTrees {
		return nil, fmt.Errorf("%d trees for %d outputs, want whole rounds, at most %d", n, len(w.Base), maxTrees)
	}
	m := &Model{Objective: w.Objective, Base: w.Base, Features: make([]Feature, len(w.Features)), Trees: make([]Tree, len(w.Trees))}
	for i, f := range w.Features {
		if err := f.validate(); err != nil {
			return nil, fmt.Errorf("feature %d: %w", i, err)
		}
		m.Features[i] = Feature{Name: f.Name, Monotone: f.Monotone, Categorical: f.Categorical, Known: f.Known}
	}
	for i := range w.Trees {
		if err := w.Trees[i].tree(&m.Trees[i], m.Features); err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
	}
	return m, nil
}

func (f *wireFeature) validate() error {
	if f.Monotone < -1 || f.Monotone > 1 || f.Monotone != 0 && f.Categorical {
		return fmt.Errorf("monotone is %d", f.Monotone)
	}
	if len(f.Known) > 255 || len(f.Known) > 0 && !f.Categorical {
		return fmt.Errorf("%d known categories, want at most 255, of a categorical feature", len(f.Known))
	}
	for i, c := range f.Known {
		if c < 0 || i > 0 && c <= f.Known[i-1] {
			return fmt.Errorf("known category %d at %d, want ascending ones", c, i)
		}
	}
	return nil
}

// tree checks a stored tree and unpacks it. Every node but the root is the child of one
// earlier node, so there is no cycle and the depth is found on the way.
func (w *wireTree) tree(t *Tree, features []Feature) error {
	n := len(w.Feature)
	for _, other := range [...]int{len(w.Threshold), len(w.MissingLeft), len(w.Left), len(w.Right), len(w.Gain), len(w.Value) - 1, len(w.Rows) - 1} {
		if other != n {
			return fmt.Errorf("its columns differ in length from %d inner nodes and one leaf more", n)
		}
	}
	if n+1 > maxLeaves {
		return fmt.Errorf("%d leaves, want at most %d", n+1, maxLeaves)
	}
	t.Nodes, t.Leaves = make([]Node, n), make([]Leaf, n+1)
	for i, v := range w.Value {
		if w.Rows[i] < 1 || w.Rows[i] > math.MaxInt32 {
			return fmt.Errorf("leaf %d has %d rows, want at least 1", i, w.Rows[i])
		}
		t.Leaves[i] = Leaf{v, w.Rows[i]}
	}
	met := make([]bool, 2*n+1) // inner nodes, then leaves
	for i := range t.Nodes {
		if err := w.node(i, t, features, met); err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
	}
	if deep := t.depth(); deep > maxDepth {
		return fmt.Errorf("it is %d deep, want at most %d", deep, maxDepth)
	}
	for i := n - 1; i >= 0; i-- { // children come after their parents
		t.Nodes[i].Rows = t.rowsOf(t.Nodes[i].Left) + t.rowsOf(t.Nodes[i].Right)
	}
	return nil
}

func (t *Tree) rowsOf(child int32) int {
	if child < 0 {
		return t.Leaves[^child].Rows
	}
	return t.Nodes[child].Rows
}

func (w *wireTree) node(i int, t *Tree, features []Feature, met []bool) error {
	f := w.Feature[i]
	if f < 0 || f >= len(features) {
		return fmt.Errorf("feature %d of %d", f, len(features))
	}
	if w.MissingLeft[i] < 0 || w.MissingLeft[i] > 1 {
		return fmt.Errorf("missing_left is %d, want 0 or 1", w.MissingLeft[i])
	}
	node := Node{Feature: f, Left: w.Left[i], Right: w.Right[i], Gain: w.Gain[i], MissingLeft: w.MissingLeft[i] == 1}
	for _, c := range [2]int32{node.Left, node.Right} {
		at := int(c)
		if c < 0 {
			at = len(t.Nodes) + int(^c)
		}
		if at >= len(met) || c >= 0 && (at <= i || at >= len(t.Nodes)) || met[at] {
			return fmt.Errorf("child %d, want a later node or a leaf that is nobody else's", c)
		}
		met[at] = true
	}
	if !features[f].Categorical {
		node.Threshold = w.Threshold[i]
		t.Nodes[i] = node
		return nil
	}
	at := w.Threshold[i]
	if !(at >= 0 && at < float64(len(w.Sets))) || at != math.Trunc(at) || node.MissingLeft {
		return fmt.Errorf("set %v of %d", at, len(w.Sets))
	}
	node.Set = &binSet{}
	last := -1
	for _, b := range w.Sets[int(at)] {
		if b <= last || b >= features[f].bins() {
			return fmt.Errorf("bin %d in its set, want ascending ones below %d", b, features[f].bins())
		}
		last = b
		node.Set.add(uint8(b))
	}
	t.Nodes[i] = node
	return nil
}
