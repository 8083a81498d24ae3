package nn

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// Param is a named matrix that training changes. Without Grad it is a buffer: part of
// the model and saved with it, but not trained (running means, for example).
type Param struct {
	Name  string
	Value tensor.Mat
	Grad  tensor.Mat // same shape as Value; Backward adds to it
	Decay bool       // weight decay applies
}

// Var puts the parameter on a tape.
func (p *Param) Var(t *tensor.Tape) *tensor.Var { return t.Leaf(p.Value, p.Grad) }

// Trained says whether the parameter is trained; buffers are not.
func (p *Param) Trained() bool { return p.Grad.Data != nil }

// Set is the ordered collection of a model's parameters.
type Set struct {
	seed   uint64
	params []*Param
	byName map[string]*Param
	clip   *clipper // see ClipGradNorm
}

// NewSet returns an empty set; seed determines all start values.
func NewSet(seed uint64) *Set { return &Set{seed: seed, byName: map[string]*Param{}} }

// New adds a parameter subject to weight decay. Two parameters of one name are a bug.
func (s *Set) New(name string, rows, cols int, init Init) *Param {
	p := s.Buffer(name, rows, cols, init)
	p.Grad, p.Decay = tensor.NewMat(rows, cols), true
	return p
}

// Buffer adds a matrix that is saved with the parameters but not trained.
func (s *Set) Buffer(name string, rows, cols int, init Init) *Param {
	if s.byName[name] != nil {
		panic(fmt.Sprintf("nn: parameter %q created twice", name))
	}
	p := &Param{Name: name, Value: tensor.NewMat(rows, cols)}
	init(p.Value, tensor.Hash64(s.seed, tensor.HashString(name)))
	s.params = append(s.params, p)
	s.byName[name] = p
	return p
}

// bias adds a row that weight decay leaves alone, as biases and scales are.
func (s *Set) bias(name string, cols int, init Init) *Param {
	p := s.New(name, 1, cols, init)
	p.Decay = false
	return p
}

// All returns the parameters and buffers in the order of creation.
func (s *Set) All() []*Param { return s.params }

// Get returns the parameter of that name, or nil.
func (s *Set) Get(name string) *Param { return s.byName[name] }

// Count returns the number of trained numbers.
func (s *Set) Count() int {
	n := 0
	for _, p := range s.params {
		n += p.Grad.Len()
	}
	return n
}

// ZeroGrad clears all gradients, before a step.
func (s *Set) ZeroGrad() {
	for _, p := range s.params {
		clear(p.Grad.Data)
	}
}

// Copy returns copies of all values, in order: the best weights so far, for example.
func (s *Set) Copy() []tensor.Mat {
	values := make([]tensor.Mat, len(s.params))
	for i, p := range s.params {
		values[i] = p.Value.Clone()
	}
	return values
}

// Restore stores values from [Set.Copy].
func (s *Set) Restore(values []tensor.Mat) {
	if len(values) != len(s.params) {
		panic(fmt.Sprintf("nn: restore of %d values into %d parameters", len(values), len(s.params)))
	}
	for i, p := range s.params {
		copy(p.Value.Data, values[i].Data)
	}
}
