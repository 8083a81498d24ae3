package nn

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// MLPOptions configures [NewMLP]. The zero value is a plain stack of linear steps with
// the identity between them; most callers set Act.
type MLPOptions struct {
	Act     tensor.Activation // between layers, not after the last
	Norm    bool              // layer norm before each activation
	Dropout float64           // after each activation, 0 to below 1
}

// MLP is a stack of linear layers.
type MLP struct {
	Layers []*Linear
	Norms  []*LayerNorm // one between each two layers, or none
	opts   MLPOptions
}

// NewMLP adds layers from widths[0] columns over widths[1], ... to the last width:
// name.0, name.1, ... and with norms name.norm.0, ...
func NewMLP(s *Set, name string, widths []int, o MLPOptions) *MLP {
	if len(widths) < 2 {
		panic(fmt.Sprintf("nn: MLP %q of %d widths, want at least 2", name, len(widths)))
	}
	m := &MLP{opts: o}
	for i := range widths[1:] {
		m.Layers = append(m.Layers, NewLinear(s, fmt.Sprintf("%s.%d", name, i), widths[i], widths[i+1]))
		if o.Norm && i < len(widths)-2 {
			m.Norms = append(m.Norms, NewLayerNorm(s, fmt.Sprintf("%s.norm.%d", name, i), widths[i+1]))
		}
	}
	return m
}

// Apply computes the stack for x of rows x widths[0]; key determines the dropout masks
// and must differ from step to step.
func (m *MLP) Apply(t *tensor.Tape, x *tensor.Var, key uint64) *tensor.Var {
	last := len(m.Layers) - 1
	for i, l := range m.Layers[:last] {
		if m.Norms == nil {
			x = l.Apply(t, x, m.opts.Act)
		} else {
			x = t.Activate(m.Norms[i].Apply(t, l.Apply(t, x, tensor.Identity)), m.opts.Act)
		}
		x = t.Dropout(x, m.opts.Dropout, tensor.Hash64(key, uint64(i)))
	}
	return m.Layers[last].Apply(t, x, tensor.Identity)
}
