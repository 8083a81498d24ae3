package nn

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/internal/testdata"
)

type jsonTensor struct {
	Shape []int     `json:"shape"`
	Data  []float64 `json:"data"`
}

func (j jsonTensor) mat() tensor.Mat {
	rows := j.Shape[0]
	m := tensor.NewMat(rows, len(j.Data)/rows)
	for i, v := range j.Data {
		m.Data[i] = tensor.Real(v)
	}
	return m
}

func readGolden(t *testing.T, name string, v any) {
	t.Helper()
	text, err := os.ReadFile(testdata.Path(t, "golden", "layers", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatal(err)
	}
}

// isFloat64 says that the engine is built with the tag real64.
func isFloat64() bool { return tensor.Real(1)+1e-10 != 1 }

func wantNear(t *testing.T, what string, got []tensor.Real, want []float64) {
	t.Helper()
	tol := 1e-4
	if isFloat64() {
		tol = 1e-7
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if !(math.Abs(float64(got[i])-w) <= tol*math.Max(1, math.Abs(w))) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], w)
		}
	}
}

// stepper is what the tests need of an optimiser.
type stepper interface {
	Step(lr float64)
	State() []StateTensor
	Load([]StateTensor) error
}

var (
	_ stepper = (*Adam)(nil)
	_ stepper = (*SGD)(nil)
)

type optimiserArguments struct {
	LR       float64   `json:"lr"`
	Betas    []float64 `json:"betas"`
	Eps      float64   `json:"eps"`
	Decay    float64   `json:"weight_decay"`
	AMSGrad  bool      `json:"amsgrad"`
	Momentum float64   `json:"momentum"`
	Nesterov bool      `json:"nesterov"`
}

func (a optimiserArguments) make(class string, s *Set, pool *tensor.Pool) stepper {
	if class == "torch.optim.SGD" {
		return NewSGD(s, pool, SGDOptions{Momentum: a.Momentum, Nesterov: a.Nesterov, Decay: a.Decay})
	}
	o := AdamOptions{Eps: a.Eps, Decay: a.Decay, AMSGrad: a.AMSGrad}
	if a.Betas != nil {
		o.Beta1, o.Beta2 = a.Betas[0], a.Betas[1]
	}
	if class == "torch.optim.AdamW" {
		return NewAdamW(s, pool, o)
	}
	return NewAdam(s, pool, o)
}

func TestGolden_optimisers(t *testing.T) {
	var d struct {
		Start      jsonTensor   `json:"start"`
		Gradients  []jsonTensor `json:"gradients"`
		Optimisers []struct {
			Name, Class string
			Arguments   optimiserArguments `json:"arguments"`
			Weights     []jsonTensor       `json:"weights_after_step"`
		} `json:"optimisers"`
	}
	readGolden(t, "optimisers", &d)
	if len(d.Optimisers) < 7 {
		t.Fatalf("%d optimisers in the file, want at least 7", len(d.Optimisers))
	}
	pool := tensor.NewPool(2)
	for _, o := range d.Optimisers {
		s := NewSet(1)
		p := s.New("w", 2, 3, Zeros)
		copy(p.Value.Data, d.Start.mat().Data)
		opt := o.Arguments.make(o.Class, s, pool)
		for i, g := range d.Gradients {
			copy(p.Grad.Data, g.mat().Data)
			if i == 3 { // stop and resume in the middle
				resumed := o.Arguments.make(o.Class, s, pool)
				if err := resumed.Load(opt.State()); err != nil {
					t.Fatal(err)
				}
				opt = resumed
			}
			opt.Step(o.Arguments.LR)
			wantNear(t, o.Name, p.Value.Data, o.Weights[i].Data)
		}
	}
}

func TestGolden_clipGradNorm(t *testing.T) {
	var d struct {
		Clip struct {
			MaxNorm float64      `json:"max_norm"`
			Inputs  []jsonTensor `json:"inputs"`
			Norm    float64      `json:"total_norm_before"`
			Outputs []jsonTensor `json:"outputs"`
		} `json:"clip_grad_norm"`
	}
	readGolden(t, "optimisers", &d)
	s := NewSet(1)
	for i, in := range d.Clip.Inputs {
		p := s.New(string(rune('a'+i)), in.mat().Rows, in.mat().Cols, Zeros)
		copy(p.Grad.Data, in.mat().Data)
	}
	pool := tensor.NewPool(1)
	norm := ClipGradNorm(s, pool, d.Clip.MaxNorm)
	wantNear(t, "norm", []tensor.Real{tensor.Real(norm)}, []float64{d.Clip.Norm})
	for i, out := range d.Clip.Outputs {
		wantNear(t, "clipped", s.All()[i].Grad.Data, out.Data)
	}
	before := s.All()[0].Grad.Clone()
	ClipGradNorm(s, pool, 2)
	for i, g := range s.All()[0].Grad.Data {
		if g != before.Data[i] {
			t.Fatal("a gradient below the limit was changed")
		}
	}
}

func TestGolden_batchNorm(t *testing.T) {
	var d struct {
		Inputs     map[string]jsonTensor `json:"inputs"`
		Parameters map[string]jsonTensor `json:"parameters"`
		Output     map[string]jsonTensor `json:"output"`
		Mean       jsonTensor            `json:"running_mean_after"`
		Variance   jsonTensor            `json:"running_var_after"`
		Eval       jsonTensor            `json:"eval_output"`
	}
	readGolden(t, "batchnorm_train", &d)
	s := NewSet(1)
	b := NewBatchNorm(s, "norm", 6, true)
	copy(b.Gamma.Value.Data, d.Parameters["weight"].mat().Data)
	copy(b.Beta.Value.Data, d.Parameters["bias"].mat().Data)
	tape := tensor.NewTape(tensor.NewPool(1))
	y := b.Apply(tape, tape.Const(d.Inputs["x"].mat()))
	wantNear(t, "training output", y.Val.Data, d.Output["out"].Data)
	wantNear(t, "running mean", b.Mean.Value.Data, d.Mean.Data)
	wantNear(t, "running variance", b.Variance.Value.Data, d.Variance.Data)
	tape.Train = false
	y = b.Apply(tape, tape.Const(d.Inputs["x"].mat()))
	wantNear(t, "evaluation output", y.Val.Data, d.Eval.Data)
	if s.Count() != 12 {
		t.Fatalf("%d trained numbers, want 12: buffers are not trained", s.Count())
	}
}

func TestInit_rangesAndIndependence(t *testing.T) {
	bounds := map[string]struct {
		init  Init
		bound float64 // largest magnitude
		sd    float64
	}{
		"glorot":  {GlorotUniform, math.Sqrt(6.0 / 150), math.Sqrt(2.0 / 150)},
		"kaiming": {KaimingUniform, 0.1, 0.1 / math.Sqrt(3)},
		"normal":  {Normal(0.5), 5, 0.5},
		"ones":    {Ones, 1, 1},
		"zeros":   {Zeros, 0, 0},
	}
	for name, b := range bounds {
		p := NewSet(7).New("w", 100, 50, b.init)
		var top, square float64
		for _, v := range p.Value.Data {
			top = max(top, math.Abs(float64(v)))
			square += float64(v) * float64(v)
		}
		if sd := math.Sqrt(square / 5000); top > b.bound*1.0001 || math.Abs(sd-b.sd) > 0.03*b.sd {
			t.Errorf("%s: largest %v, deviation %v; want at most %v and %v", name, top, sd, b.bound, b.sd)
		}
	}
	alone := NewSet(7)
	w := alone.New("w", 3, 3, GlorotUniform)
	beside := NewSet(7)
	beside.New("other", 3, 3, GlorotUniform)
	if got := beside.New("w", 3, 3, GlorotUniform); got.Value.Data[4] != w.Value.Data[4] {
		t.Fatal("start values depend on other parameters")
	}
	if NewSet(8).New("w", 3, 3, GlorotUniform).Value.Data[4] == w.Value.Data[4] {
		t.Fatal("start values do not depend on the seed")
	}
}

func TestSet_duplicateNamePanics(t *testing.T) {
	defer func() {
		if v := recover(); v != `nn: parameter "w" created twice` {
			t.Fatalf("panic %v", v)
		}
	}()
	s := NewSet(1)
	s.New("w", 1, 1, Zeros)
	s.New("w", 1, 1, Zeros)
}

func TestSet_copyAndRestore(t *testing.T) {
	s := NewSet(1)
	p := s.New("w", 2, 2, GlorotUniform)
	if s.Get("w") != p || s.Get("v") != nil {
		t.Fatal("Get does not find parameters by name")
	}
	saved, first := s.Copy(), p.Value.Data[0]
	p.Value.Data[0] = 99
	s.Restore(saved)
	if p.Value.Data[0] != first {
		t.Fatal("Restore did not bring the value back")
	}
}

func TestLoad_namesTheFault(t *testing.T) {
	pool := tensor.NewPool(1)
	one, two := NewSet(1), NewSet(1)
	one.New("w", 2, 2, Zeros)
	two.New("w", 2, 3, Zeros)
	a, b := NewAdam(one, pool, AdamOptions{}), NewAdam(two, pool, AdamOptions{})
	for _, c := range []struct {
		state []StateTensor
		want  string
	}{
		{b.State(), `tensor "adam.m/w" is 2x3, want 2x2`},
		{a.State()[:2], `no tensor "adam.v/w"`},
		{append(a.State(), StateTensor{Name: "x"}), "4 tensors, want 3"},
	} {
		if err := a.Load(c.state); err == nil || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

func TestSchedule(t *testing.T) {
	s := Cosine(1, 0.1, 4, 14)
	for step, want := range map[int]float64{0: 0.25, 3: 1, 4: 1, 9: 0.55, 14: 0.1, 100: 0.1} {
		if got := s(step); math.Abs(got-want) > 1e-12 {
			t.Errorf("rate of step %d is %v, want %v", step, got, want)
		}
	}
	if ConstantRate(0.3)(7) != 0.3 {
		t.Error("a constant rate changed")
	}
}

// train fits a small network to y = x0*x1 and returns the set and the losses.
func train(threads, steps, rows, width int) (*Set, []float64) {
	pool := tensor.NewPool(threads)
	s := NewSet(5)
	m := NewMLP(s, "mlp", []int{2, width, width, 1}, MLPOptions{Act: tensor.GELU, Norm: true, Dropout: 0.05})
	opt := NewAdamW(s, pool, AdamOptions{Decay: 0.01})
	x, y := tensor.NewMat(rows, 2), make([]tensor.Real, rows)
	for i := range y {
		a, b := 2*tensor.Uniform(1, uint64(i))-1, 2*tensor.Uniform(2, uint64(i))-1
		x.Set(i, 0, tensor.Real(a))
		x.Set(i, 1, tensor.Real(b))
		y[i] = tensor.Real(a * b)
	}
	rate := Cosine(5e-3, 0, 5, steps)
	t := tensor.NewTape(pool)
	var losses []float64
	for step := range steps {
		t.Reset()
		s.ZeroGrad()
		loss := t.MSE(m.Apply(t, t.Const(x), uint64(step)), y, nil)
		t.Backward(loss)
		ClipGradNorm(s, pool, 1)
		opt.Step(rate(step))
		losses = append(losses, float64(loss.Val.Data[0]))
	}
	return s, losses
}

// The variance of x0*x1 is 1/9: a network that learns gets far below it.
func TestTraining_learnsAProduct(t *testing.T) {
	_, losses := train(2, 80, 600, 32)
	if last := losses[len(losses)-1]; last > 0.02 {
		t.Fatalf("loss after 80 steps is %v, want at most 0.02", last)
	}
}

func TestTraining_equalBitsAtAnyThreadCount(t *testing.T) {
	want, _ := train(1, 3, 2500, 96)
	for _, threads := range []int{2, 4} {
		got, _ := train(threads, 3, 2500, 96)
		for i, p := range want.All() {
			for j, v := range p.Value.Data {
				if got.All()[i].Value.Data[j] != v {
					t.Fatalf("%d threads: %s[%d] is %v, want %v", threads, p.Name, j, got.All()[i].Value.Data[j], v)
				}
			}
		}
	}
}

func TestEmbedding_unknownIsZero(t *testing.T) {
	e := NewEmbedding(NewSet(1), "e", 4, 3)
	tape := tensor.NewTape(tensor.NewPool(1))
	y := e.Apply(tape, []int32{2, -1})
	if y.Val.At(0, 1) != e.Table.Value.At(2, 1) || y.Val.At(1, 0) != 0 || y.Val.At(1, 2) != 0 {
		t.Fatalf("looked up %v", y.Val.Data)
	}
}

func BenchmarkAdam(b *testing.B) {
	s := NewSet(1)
	for _, name := range []string{"a", "b", "c", "d"} {
		p := s.New(name, 1000, 1100, GlorotUniform)
		GlorotUniform(p.Grad, 3)
	}
	a := NewAdamW(s, tensor.NewPool(1), AdamOptions{Decay: 0.01})
	for b.Loop() {
		a.Step(1e-4)
	}
	b.ReportMetric(28*float64(s.Count())*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
}
