package kernel

import (
	"math"
	"sort"
	"testing"
)

// flatCase is one random problem over a list; the block under test starts at first.
func TestFlat_agreeWithTheirMeaning(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		for _, n := range append(rowWidths, 4097) {
			x, y := newGuarded(n, 1), newGuarded(n, 2)
			if n > 3 {
				y.data[1], y.data[3] = 0, 0 // where the slope of max(x, 0) changes
			}
			for _, mode := range []Mode{Store, AddTo} {
				each := func(what string, f func(dst []Real), want func(i int) Real) {
					t.Helper()
					got, old := newGuarded(n, 3), newGuarded(n, 3)
					f(got.data)
					for i := range old.data {
						put(old.data, i, want(i), mode)
					}
					near(t, what, got.data, old.data, 8)
					got.check(t, what)
				}
				each("product", func(dst []Real) { p.Product(dst, x.data, y.data, mode) },
					func(i int) Real { return x.data[i] * y.data[i] })
				each("relu back", func(dst []Real) { p.ReLUBack(dst, x.data, y.data, mode) },
					func(i int) Real {
						if y.data[i] > 0 {
							return x.data[i]
						}
						return 0
					})
				drop := Dropout{Key: 5, First: 1234, Limit: 1 << 31, Scale: 2}
				each("dropout", func(dst []Real) { p.Dropout(dst, x.data, drop, mode) },
					func(i int) Real {
						bits := splitmix(5, uint64(617+i/2)) >> (32 * (i % 2)) & (1<<32 - 1)
						if bits < 1<<31 {
							return 0
						}
						return 2 * x.data[i]
					})
				if mode == AddTo {
					continue
				}
				each("scale", func(dst []Real) { p.Scale(dst, 0.3, x.data) }, func(i int) Real { return 0.3 * x.data[i] })
				each("relu", func(dst []Real) { p.ReLU(dst, x.data) }, func(i int) Real { return max(x.data[i], 0) })
				each("exp", func(dst []Real) { p.Exp(dst, x.data) }, func(i int) Real { return Real(math.Exp(float64(x.data[i]))) })
				each("sigmoid", func(dst []Real) { p.Sigmoid(dst, x.data) },
					func(i int) Real { return Real(1 / (1 + math.Exp(-float64(x.data[i])))) })
				each("silu", func(dst []Real) { p.SiLU(dst, x.data) },
					func(i int) Real { return Real(float64(x.data[i]) / (1 + math.Exp(-float64(x.data[i])))) })
			}
		}
	})
}

// ulps is the distance of two numbers in units in the last place of the second.
func ulps(got, want float64) float64 {
	if got == want || math.IsNaN(got) && math.IsNaN(want) {
		return 0
	}
	_, e := math.Frexp(want)
	return math.Abs(got-want) / math.Max(math.Ldexp(Epsilon, e-1), math.SmallestNonzeroFloat32)
}

func TestExp_error(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		var x []Real
		for v := -110.0; v < 95; v += 0.000917 {
			x = append(x, Real(v))
		}
		inf := Real(math.Inf(1))
		x = append(x, 0, -inf, inf, Real(math.NaN()), 88.72283, 88.72284, -87.33655, -103.9, -1000, 1000)
		y := make([]Real, len(x))
		p.Exp(y, x)
		worst := 0.0
		for i, v := range x {
			want := Real(math.Exp(float64(v)))
			d := ulps(float64(y[i]), float64(want))
			if !(d <= 2) {
				t.Fatalf("exp(%v) is %v, want %v", v, y[i], want)
			}
			worst = max(worst, d)
		}
		t.Logf("largest error %.2f units", worst)
	})
}

func TestColumnSums_agreeWithTheirMeaning(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		for _, cols := range rowWidths {
			for _, rows := range []int{0, 1, 3, 10} {
				x, y := newGuarded(rows*cols, 1), newGuarded(rows*cols, 2)
				for _, second := range [][]Real{nil, y.data} {
					got, want := newGuarded(cols, 3), newGuarded(cols, 3)
					p.ColumnSums(got.data, x.data, second)
					for i, v := range x.data {
						if second != nil {
							v *= second[i]
						}
						want.data[i%cols] += v
					}
					if rows == 0 && second != nil {
						continue // an empty list is nil in machine code and adds nothing either way
					}
					near(t, "column sums", got.data, want.data, rows)
					got.check(t, "column sums")
				}
			}
		}
	})
}

// norms makes the arguments of a normalisation, with destinations of their own.
func norms(cols, rows int, relu, add, residual, input bool) (*Norm, []guarded) {
	data := func(n int, seed uint64) []Real { return newGuarded(n, seed).data }
	size := rows * cols
	n := &Norm{Cols: cols, X: data(size, 1), Gamma: data(cols, 2), Beta: data(cols, 3),
		G: data(size, 4), Eps: 1e-3, ReLU: relu, Add: add}
	if residual {
		n.Residual = data(size, 5)
	}
	out := []guarded{newGuarded(size, 6), newGuarded(2*rows, 7), newGuarded(size, 8), newGuarded(2*cols, 9)}
	n.Dst, n.Stats = out[0].data, out[1].data
	if input {
		n.DX = out[2].data
	}
	n.DGamma, n.DBeta = out[3].data[:cols], out[3].data[cols:]
	return n, out
}

func TestNorm_agreesWithPlainGo(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		for _, cols := range rowWidths[1:] {
			for flags := range 16 {
				bit := func(i int) bool { return flags>>i&1 == 1 }
				got, gotOut := norms(cols, 3, bit(0), bit(1), bit(2), bit(3))
				want, wantOut := norms(cols, 3, bit(0), bit(1), bit(2), bit(3))
				p.NormRows(*got)
				p.NormBack(*got)
				plainNormRows(*want)
				plainNormBack(*want)
				for i := range gotOut {
					for j, w := range wantOut[i].data {
						if d := float64(gotOut[i].data[j] - w); !(math.Abs(d) <= 400*Epsilon*max(1, math.Abs(float64(w)))) {
							t.Fatalf("%d columns, flags %d, output %d: element %d is %v, want %v", cols, flags, i, j, gotOut[i].data[j], w)
						}
					}
					gotOut[i].check(t, "norm")
				}
			}
		}
	})
}

func TestScan_agreesWithItsMeaning(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		for _, cols := range rowWidths {
			for _, rows := range []int{0, 1, 2, 7} {
				const heads, head = 3, 1
				x, a := newGuarded(rows*cols, 1), newGuarded(rows*heads, 2)
				for _, backwards := range []bool{false, true} {
					got, want := newGuarded(rows*heads*cols, 3), newGuarded(rows*heads*cols, 3)
					s := Scan{Cols: cols, Rows: rows, Dst: got.data, X: x.data, A: a.data,
						DstStep: heads * cols, XStep: cols, AStep: heads, DstAt: head * cols, AAt: head}
					if backwards && rows > 0 {
						s.DstAt, s.XAt, s.AAt = s.DstAt+(rows-1)*s.DstStep, (rows-1)*cols, s.AAt+(rows-1)*heads
						s.DstStep, s.XStep, s.AStep = -s.DstStep, -cols, -heads
					}
					if rows > 0 {
						p.Scan(s)
					}
					state := make([]Real, cols)
					for k := range rows {
						i := k
						if backwards {
							i = rows - 1 - k
						}
						for j := range cols {
							state[j] = a.data[i*heads+head]*state[j] + x.data[i*cols+j]
							want.data[(i*heads+head)*cols+j] = state[j]
						}
					}
					near(t, "scan", got.data, want.data, 8)
					got.check(t, "scan")
				}
			}
		}
	})
}

func TestHalf_roundTrip(t *testing.T) { eachPath(t, checkRoundTrip) }

func checkRoundTrip(t *testing.T, p *Path) {
	all := make([]uint16, 1<<16+5)
	for i := range all {
		all[i] = uint16(i)
	}
	wide, back := make([]float32, len(all)), make([]uint16, len(all))
	p.FromHalf(wide, all)
	p.ToHalf(back, wide)
	for i, h := range all {
		if v := fromHalf(h); math.Float32bits(v) != math.Float32bits(wide[i]) && v == v {
			t.Fatalf("half %#x is %v, want %v", h, wide[i], v)
		}
		if nan := h>>10&31 == 31 && h&0x3ff != 0; nan != (wide[i] != wide[i]) || !nan && back[i] != h {
			t.Fatalf("half %#x came back as %#x over %v", h, back[i], wide[i])
		}
	}
	p.FromBrain(wide, all)
	ToBrain(back, wide)
	for i, h := range all {
		if math.Float32bits(wide[i]) != uint32(h)<<16 {
			t.Fatalf("bfloat16 %#x is %v", h, wide[i])
		}
		if wide[i] == wide[i] && back[i] != h {
			t.Fatalf("bfloat16 %#x came back as %#x", h, back[i])
		}
	}
}

// Rounding to a half is checked against the nearest of all halves around the number.
func TestHalf_roundsToNearestEven(t *testing.T) { eachPath(t, checkRounding) }

func checkRounding(t *testing.T, p *Path) {
	var in []float32
	for e := -27; e <= 17; e++ {
		for i := range 97 {
			in = append(in, float32(math.Ldexp(1+float64(i)/97, e)), -float32(math.Ldexp(1+float64(i*64+32)/(97*64), e)))
		}
		for _, f := range []float64{1 + 1.0/2048, 1 + 3.0/2048, 1 + 1.0/2048 + 1.0/(1<<20)} { // ties and just above
			in = append(in, float32(math.Ldexp(f, e)))
		}
	}
	in = append(in, 65519, 65520, 65504, 1e9, float32(math.Inf(1)), float32(math.Inf(-1)), 0)
	got := make([]uint16, len(in))
	p.ToHalf(got, in)
	for i, v := range in {
		if want := nearestHalf(v); got[i] != want {
			t.Fatalf("%v rounds to half %#x (%v), want %#x (%v)", v, got[i], fromHalf(got[i]), want, fromHalf(want))
		}
	}
}

// nearestHalf looks among all halves.
func nearestHalf(v float32) uint16 {
	var sign uint16
	if math.Signbit(float64(v)) {
		sign, v = 0x8000, -v
	}
	size := func(h int) float64 {
		if h == 0x7c00 {
			return 65536 // where the next number would be
		}
		return float64(fromHalf(uint16(h)))
	}
	above := sort.Search(0x7c00, func(h int) bool { return size(h) >= float64(v) })
	below := max(above-1, 0)
	up, down := size(above)-float64(v), float64(v)-size(below)
	if up > down || up == down && above%2 == 1 {
		above = below
	}
	return uint16(above) | sign
}

func TestToBrain_roundsToNearestEven(t *testing.T) {
	for _, c := range []struct {
		bits uint32
		want uint16
	}{{0x3f808000, 0x3f80}, {0x3f818000, 0x3f82}, {0x3f808001, 0x3f81}, {0x7f7fffff, 0x7f80}, {0xff800000, 0xff80}} {
		got := make([]uint16, 1)
		ToBrain(got, []float32{math.Float32frombits(c.bits)})
		if got[0] != c.want {
			t.Errorf("%#x rounds to %#x, want %#x", c.bits, got[0], c.want)
		}
	}
}

func TestGather16_agreesWithPlainGo(t *testing.T) { eachPath(t, checkGather16) }

func checkGather16(t *testing.T, p *Path) {
	d := draws(3)
	for _, cols := range rowWidths {
		x, idx := make([]uint16, 5*cols), []int32{4, -1, 0, 3, 3}
		for i := range x {
			x[i] = uint16(d.below(0x7c00)) // finite
		}
		for _, brain := range []bool{false, true} {
			got, want := make([]float32, 5*cols+1), make([]float32, 5*cols+1)
			for i := range got {
				got[i], want[i] = 7, 7
			}
			if brain {
				p.GatherBrain(got[:5*cols], x, cols, idx)
				plainHalves.GatherBrain(want[:5*cols], x, cols, idx)
			} else {
				p.GatherHalf(got[:5*cols], x, cols, idx)
				plainHalves.GatherHalf(want[:5*cols], x, cols, idx)
			}
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("%d columns, brain %v: element %d is %v, want %v", cols, brain, i, got[i], want[i])
				}
			}
		}
	}
}

// checkLog1p goes over the range of ages, in steps that grow, and to its ends.
func checkLog1p(t *testing.T, p *Path) {
	x := []Real{0, 1e-30, 1, 2, 1 << 24, 1<<24 + 2, 1e30}
	for v := Real(1e-9); v < 1e9; v *= 1.0173 {
		x = append(x, v)
	}
	got := make([]Real, len(x))
	p.Log1p(got, x)
	for i, v := range x {
		if d := ulps(float64(got[i]), math.Log1p(float64(v))); !(d <= 2) {
			t.Fatalf("%s: log(1 + %v) is %v, want %v (%v units off)", p.Name, v, got[i], math.Log1p(float64(v)), d)
		}
	}
}

func TestLog1p(t *testing.T) { eachPath(t, checkLog1p) }
