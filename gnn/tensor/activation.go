package tensor

import (
	"math"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
	"github.com/rowlink/rowlink/internal/registry"
)

// Activation is an element-wise function; see [ParseActivation] for the names.
type Activation uint8

// The activations.
const (
	Identity  Activation = iota
	ReLU                 // max(x, 0); derivative 0 at 0
	LeakyReLU            // x, or 0.2 x below 0; derivative 0.2 at 0
	ELU                  // x, or exp(x)-1 below 0
	GELU                 // x Phi(x), exact
	GELUTanh             // x Phi(x) by the usual tanh approximation
	SiLU                 // x sigmoid(x)
	Sigmoid
	Tanh
	Softplus // log(1 + exp(x))
	Exp
	Sqrt      // of max(x, 0); derivative 0 where x <= 0
	Deviation // square root of a variance: sqrt(x) where x > 1e-5, else 0 with derivative 0
	Square
	Log1p // log(1 + x)
)

// activation is one row of the table. slope is the derivative, given the input x and
// the output y; where fromInput is not set, y alone is enough, and x may be anything.
type activation struct {
	name      string
	value     func(x float64) float64
	slope     func(x, y float64) float64
	fromInput bool
}

const leak = 0.2 // slope of LeakyReLU below 0, as in graph attention (Velickovic et al., 2018)

var activations = [...]activation{
	Identity:  {"identity", func(x float64) float64 { return x }, func(_, _ float64) float64 { return 1 }, false},
	ReLU:      {"relu", func(x float64) float64 { return max(x, 0) }, func(_, y float64) float64 { return step(y) }, false},
	LeakyReLU: {"leaky_relu", func(x float64) float64 { return max(x, leak*x) }, func(_, y float64) float64 { return leak + (1-leak)*step(y) }, false},
	ELU:       {"elu", elu, func(_, y float64) float64 { return min(y, 0) + 1 }, false},
	GELU:      {"gelu", gelu, geluSlope, true},
	GELUTanh:  {"gelu_tanh", geluTanh, geluTanhSlope, true},
	SiLU: {"silu", func(x float64) float64 { return x * sigmoid(x) }, func(x, y float64) float64 {
		s := sigmoid(x)
		return s + y*(1-s)
	}, true},
	Sigmoid:  {"sigmoid", sigmoid, func(_, y float64) float64 { return y * (1 - y) }, false},
	Tanh:     {"tanh", math.Tanh, func(_, y float64) float64 { return 1 - y*y }, false},
	Softplus: {"softplus", softplus, func(_, y float64) float64 { return -math.Expm1(-y) }, false},
	Exp:      {"exp", math.Exp, func(_, y float64) float64 { return y }, false},
	Sqrt: {"sqrt", func(x float64) float64 { return math.Sqrt(max(x, 0)) }, func(_, y float64) float64 {
		if y == 0 {
			return 0
		}
		return 0.5 / y
	}, false},
	Deviation: {"deviation", deviation, func(_, y float64) float64 {
		if y == 0 {
			return 0
		}
		return 0.5 / y
	}, false},
	Square: {"square", func(x float64) float64 { return x * x }, func(x, _ float64) float64 { return 2 * x }, true},
	Log1p:  {"log1p", math.Log1p, func(_, y float64) float64 { return math.Exp(-y) }, false},
}

var byName = registry.New[Activation]("activation")

func init() {
	for a := range activations {
		byName.Add(activations[a].name, Activation(a))
	}
}

// ParseActivation returns the activation of that name; the error of an unknown name
// lists the known ones.
func ParseActivation(name string) (Activation, error) { return byName.Get(name) }

// String returns the name.
func (a Activation) String() string { return activations[a].name }

func step(x float64) float64 {
	if x > 0 {
		return 1
	}
	return 0
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func deviation(x float64) float64 {
	if x > 1e-5 {
		return math.Sqrt(x)
	}
	return 0
}

func elu(x float64) float64 {
	if x > 0 {
		return x
	}
	return math.Expm1(x)
}

func gelu(x float64) float64 { return 0.5 * x * math.Erfc(-x/math.Sqrt2) }

func geluSlope(x, _ float64) float64 {
	return 0.5*math.Erfc(-x/math.Sqrt2) + x*math.Exp(-0.5*x*x)/math.Sqrt(2*math.Pi)
}

const (
	geluScale = 0.7978845608028654 // sqrt(2/pi)
	geluCubic = 0.044715
)

func geluTanh(x float64) float64 {
	return 0.5 * x * (1 + math.Tanh(geluScale*(x+geluCubic*x*x*x)))
}

func geluTanhSlope(x, _ float64) float64 {
	th := math.Tanh(geluScale * (x + geluCubic*x*x*x))
	return 0.5*(1+th) + 0.5*x*(1-th*th)*geluScale*(1+3*geluCubic*x*x)
}

// apply stores f(x) in y; y may be x.
func (a Activation) apply(y, x []Real) {
	y = y[:len(x)]
	switch a {
	case Identity:
		copy(y, x)
	case ReLU:
		kernel.ReLU(y, x)
	case Exp:
		kernel.Exp(y, x)
	case Sigmoid:
		kernel.Sigmoid(y, x)
	case SiLU:
		kernel.SiLU(y, x)
	case LeakyReLU:
		for i, v := range x {
			y[i] = max(v, leak*v)
		}
	case GELU:
		kernel.GELU(y, x)
	default:
		f := activations[a].value
		for i, v := range x {
			y[i] = Real(f(float64(v)))
		}
	}
}

// chain stores g f'(x), or adds it to dx; dx may be g.
func (a Activation) chain(dx, g, x, y []Real, add bool) {
	dx, x, y = dx[:len(g)], x[:len(g)], y[:len(g)]
	if a == ReLU {
		mode := kernel.Store
		if add {
			mode = kernel.AddTo
		}
		kernel.ReLUBack(dx, g, y, mode)
		return
	}
	if a == GELU {
		mode := kernel.Store
		if add {
			mode = kernel.AddTo
		}
		kernel.GELUBack(dx, g, x, mode)
		return
	}
	f := activations[a].slope
	for i, v := range g {
		v *= Real(f(float64(x[i]), float64(y[i])))
		if add {
			v += dx[i]
		}
		dx[i] = v
	}
}

// Activate applies an activation to every element.
func (t *Tape) Activate(x *Var, act Activation) *Var {
	n := t.node(t.raw(x.Rows(), x.Cols()), activateBack, x)
	n.act = act
	t.run(x.Val.Len(), flatGrain, n, activateBlock)
	return n.out
}

func activateBlock(n *node, s span) {
	n.act.apply(n.out.Val.Data[s.lo:s.hi], n.x.Val.Data[s.lo:s.hi])
}

func activateBack(t *Tape, n *node) {
	n.a, n.add = t.into(n.x)
	t.run(n.a.Len(), flatGrain, n, activateBackBlock)
}

func activateBackBlock(n *node, s span) {
	n.act.chain(n.a.Data[s.lo:s.hi], n.out.grad.Data[s.lo:s.hi], n.x.Val.Data[s.lo:s.hi], n.out.Val.Data[s.lo:s.hi], n.add)
}
