package nn

import (
	"fmt"
	"math"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// StateTensor is one part of an optimiser's state, for checkpoints. Its memory is the
// optimiser's own: copy it or write it out before the next step.
type StateTensor struct {
	Name  string
	Value tensor.Mat
}

// chunk is a stretch of one parameter: the unit of parallel work over a set.
type chunk struct{ param, lo, hi int }

// chunkSize is the number of elements of a chunk, some ten microseconds of work.
const chunkSize = 1 << 13

// trained returns the trained parameters of a set and their chunks.
func trained(s *Set) (params []*Param, chunks []chunk) {
	for _, p := range s.All() {
		if !p.Trained() {
			continue
		}
		for lo := 0; lo < p.Value.Len(); lo += chunkSize {
			chunks = append(chunks, chunk{len(params), lo, min(lo+chunkSize, p.Value.Len())})
		}
		params = append(params, p)
	}
	return params, chunks
}

// memory is what an optimiser remembers of each parameter, by kind ("m", "v", ...),
// and the number of steps taken, exact up to 2^24 in float32.
type memory struct {
	kind   string // "adam" or "sgd", first part of every name
	step   tensor.Mat
	params []*Param
	names  []string
	values [][][]tensor.Real // by kind, parameter
}

func newMemory(kind string, params []*Param, names ...string) memory {
	m := memory{kind: kind, step: tensor.NewMat(1, 1), params: params, names: names}
	for range names {
		v := make([][]tensor.Real, len(params))
		for i, p := range params {
			v[i] = make([]tensor.Real, p.Value.Len())
		}
		m.values = append(m.values, v)
	}
	return m
}

// State returns the whole state in a fixed order.
func (m *memory) State() []StateTensor {
	state := []StateTensor{{m.kind + ".step", m.step}}
	for k, name := range m.names {
		for i, p := range m.params {
			v := tensor.MatOf(p.Value.Rows, p.Value.Cols, m.values[k][i]...)
			state = append(state, StateTensor{m.kind + "." + name + "/" + p.Name, v})
		}
	}
	return state
}

// Load copies a state from [memory.State] of an optimiser of the same kind over the
// same parameters; training then continues as if it had not stopped.
func (m *memory) Load(state []StateTensor) error {
	byName := make(map[string]tensor.Mat, len(state))
	for _, s := range state {
		byName[s.Name] = s.Value
	}
	own := m.State()
	for _, s := range own {
		got, ok := byName[s.Name]
		if !ok {
			return fmt.Errorf("load optimiser state: no tensor %q", s.Name)
		}
		if got.Rows != s.Value.Rows || got.Cols != s.Value.Cols {
			return fmt.Errorf("load optimiser state: tensor %q is %dx%d, want %dx%d", s.Name, got.Rows, got.Cols, s.Value.Rows, s.Value.Cols)
		}
	}
	if len(byName) != len(own) {
		return fmt.Errorf("load optimiser state: %d tensors, want %d", len(byName), len(own))
	}
	for _, s := range own {
		copy(s.Value.Data, byName[s.Name].Data)
	}
	return nil
}

// ClipGradNorm scales all gradients of a set by max/(norm + 1e-6) when their common
// Euclidean norm is larger than max, and returns the norm before. A norm that is not
// finite leaves the gradients alone: the caller should skip the step.
func ClipGradNorm(s *Set, pool *tensor.Pool, limit float64) float64 {
	c := s.clipper()
	pool.Run(len(c.chunks), 1, c.sum)
	var total float64
	for _, v := range c.sums {
		total += v
	}
	norm := math.Sqrt(total)
	if r := limit / (norm + 1e-6); r < 1 && !math.IsInf(norm, 0) {
		c.factor = tensor.Real(r)
		pool.Run(len(c.chunks), 1, c.shrink)
	}
	return norm
}

// clipper is what clipping a set's gradients needs, kept from step to step.
type clipper struct {
	of          int // parameters and buffers of the set
	params      []*Param
	chunks      []chunk
	sums        []float64
	factor      tensor.Real
	sum, shrink func(lo, hi int)
}

func (s *Set) clipper() *clipper {
	if s.clip != nil && s.clip.of == len(s.params) {
		return s.clip
	}
	c := &clipper{of: len(s.params)}
	c.params, c.chunks = trained(s)
	c.sums = make([]float64, len(c.chunks))
	c.sum = func(lo, _ int) { c.sums[lo] = tensor.SquareSum(c.grad(lo)) }
	c.shrink = func(lo, _ int) { tensor.ScaleBy(c.grad(lo), c.factor) }
	s.clip = c
	return c
}

func (c *clipper) grad(i int) []tensor.Real {
	at := c.chunks[i]
	return c.params[at.param].Grad.Data[at.lo:at.hi]
}

func sqrt(x tensor.Real) tensor.Real { return tensor.Real(math.Sqrt(float64(x))) }
