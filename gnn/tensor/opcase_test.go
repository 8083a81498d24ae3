package tensor

import "slices"

// opCase is one operator under test. make returns random inputs for a problem of about
// n rows and the function to test; a row here gives the operator its gradient test, its
// test of equal bits at any number of threads, and its allocation test.
type opCase struct {
	name string
	make func(n int) ([]Mat, opFunc)
}

type opFunc func(t *Tape, in []*Var) *Var

// random returns a matrix of normal numbers that keep away from 0, where several
// functions have no derivative.
func random(seed uint64, rows, cols int) Mat {
	m := NewMat(rows, cols)
	for i := range m.Data {
		v := Normal(seed, uint64(i))
		if v < 0 {
			v -= 0.05
		} else {
			v += 0.05
		}
		m.Data[i] = Real(v)
	}
	return m
}

// distinct returns numbers at least 0.05 apart, so that no small step changes a maximum.
func distinct(seed uint64, rows, cols int) Mat {
	m := NewMat(rows, cols)
	for i := range m.Data {
		m.Data[i] = Real(i-len(m.Data)/2) * 0.05
	}
	NewStream(seed).Shuffle(len(m.Data), func(i, j int) { m.Data[i], m.Data[j] = m.Data[j], m.Data[i] })
	return m
}

// positive returns numbers in (0, 1].
func positive(seed uint64, n int) []Real {
	s := make([]Real, n)
	for i := range s {
		s[i] = Real(1 - Uniform(seed, uint64(i)))
	}
	return s
}

func indices(seed uint64, n, below, lowest int) []int32 {
	s := NewStream(seed)
	idx := make([]int32, n)
	for i := range idx {
		idx[i] = int32(s.IntN(below-lowest) + lowest)
	}
	return idx
}

// someEdges returns edges to dst destinations, 0 to 6 each, from src rows.
func someEdges(seed uint64, dst, src int) CSR {
	s := NewStream(seed)
	c := CSR{Ptr: make([]int32, 1, dst+1)}
	for range dst {
		for range s.IntN(7) {
			c.Src = append(c.Src, int32(s.IntN(src)))
		}
		c.Ptr = append(c.Ptr, int32(len(c.Src)))
	}
	return c
}

// opsOn makes a case of fixed input shapes; 0 rows stands for n.
func opsOn(name string, op opFunc, shapes ...[2]int) opCase {
	return opCase{name, func(n int) ([]Mat, opFunc) {
		in := make([]Mat, len(shapes))
		for i, s := range shapes {
			if s[0] == 0 {
				s[0] = n
			}
			in[i] = random(uint64(100+i), s[0], s[1])
		}
		return in, op
	}}
}

func opCases() []opCase {
	cases := []opCase{
		opsOn("matmul", func(t *Tape, in []*Var) *Var { return t.MatMul(in[0], in[1]) }, [2]int{0, 7}, [2]int{7, 5}),
		opsOn("linear without bias", func(t *Tape, in []*Var) *Var { return t.Linear(in[0], in[1], nil, Tanh) }, [2]int{0, 3}, [2]int{3, 6}),
		opsOn("linear twice the same weight", func(t *Tape, in []*Var) *Var {
			return t.Linear(t.Linear(in[0], in[1], in[2], ReLU), in[1], in[2], Identity)
		}, [2]int{0, 6}, [2]int{6, 6}, [2]int{1, 6}),
		opsOn("add", func(t *Tape, in []*Var) *Var { return t.Add(in[0], in[1], in[0], in[2]) }, [2]int{0, 5}, [2]int{0, 5}, [2]int{0, 5}),
		opsOn("add four", func(t *Tape, in []*Var) *Var { return t.Add(in...) }, [2]int{0, 5}, [2]int{0, 5}, [2]int{0, 5}, [2]int{0, 5}),
		opsOn("sub", func(t *Tape, in []*Var) *Var { return t.Sub(in[0], in[1]) }, [2]int{0, 5}, [2]int{0, 5}),
		opsOn("sub itself", func(t *Tape, in []*Var) *Var { return t.Sub(t.Scale(in[0], 3), in[0]) }, [2]int{0, 5}),
		opsOn("mul", func(t *Tape, in []*Var) *Var { return t.Mul(in[0], in[1]) }, [2]int{0, 5}, [2]int{0, 5}),
		opsOn("mul itself", func(t *Tape, in []*Var) *Var { return t.Mul(in[0], in[0]) }, [2]int{0, 5}),
		opsOn("scale", func(t *Tape, in []*Var) *Var { return t.Scale(in[0], -1.7) }, [2]int{0, 5}),
		opsOn("clamp", func(t *Tape, in []*Var) *Var { return t.Add(t.Clamp(in[0], 0.7), in[0]) }, [2]int{0, 5}),
		opsOn("add bias", func(t *Tape, in []*Var) *Var { return t.AddBias(in[0], in[1]) }, [2]int{0, 5}, [2]int{1, 5}),
		opsOn("scale cols", func(t *Tape, in []*Var) *Var { return t.ScaleCols(in[0], in[1]) }, [2]int{0, 5}, [2]int{1, 5}),
		opsOn("scale rows", func(t *Tape, in []*Var) *Var { return t.ScaleRows(in[0], in[1]) }, [2]int{0, 5}, [2]int{0, 1}),
		opsOn("layer norm", func(t *Tape, in []*Var) *Var { return t.LayerNorm(in[0], in[1], in[2], 1e-5) }, [2]int{0, 9}, [2]int{1, 9}, [2]int{1, 9}),
		opsOn("residual block", func(t *Tape, in []*Var) *Var {
			return t.Residual(in[0], residuals(t, in[1:]))
		}, residualShapes(5, 7)...),
		opsOn("residual blocks, one twice", func(t *Tape, in []*Var) *Var {
			b := t.ResidualBlocks(3)
			copy(b, residuals(t, in[1:]))
			b[2] = residuals(t, in[1:7])[0]
			return t.Add(t.Residual(in[0], b), in[0])
		}, residualShapes(5, 7, 3)...),
		opsOn("layer norm, not affine", func(t *Tape, in []*Var) *Var {
			return t.Add(t.LayerNorm(in[0], nil, nil, 1e-5), in[0])
		}, [2]int{0, 6}),
		opsOn("batch norm", func(t *Tape, in []*Var) *Var {
			y, _, _ := t.BatchNorm(in[0], in[1], in[2], 1e-5)
			return t.Add(y, in[0])
		}, [2]int{0, 9}, [2]int{1, 9}, [2]int{1, 9}),
		opsOn("dropout", func(t *Tape, in []*Var) *Var { return t.Add(t.Dropout(in[0], 0.4, 9), in[0]) }, [2]int{0, 5}),
		opsOn("reshape", func(t *Tape, in []*Var) *Var { return t.Reshape(in[0], 2*in[0].Rows(), 3) }, [2]int{0, 6}),
		opsOn("slice rows", func(t *Tape, in []*Var) *Var {
			half := in[0].Rows() / 2
			return t.Mul(t.SliceRows(in[0], 0, half), t.SliceRows(in[0], 1, half+1))
		}, [2]int{0, 4}),
		opsOn("slice cols", func(t *Tape, in []*Var) *Var {
			return t.Mul(t.SliceCols(in[0], 0, 3), t.SliceCols(in[0], 2, 5))
		}, [2]int{0, 6}),
		opsOn("concat cols", func(t *Tape, in []*Var) *Var { return t.ConcatCols(in[0], in[1], in[0], in[2]) }, [2]int{0, 2}, [2]int{0, 3}, [2]int{0, 1}),
		opsOn("concat rows", func(t *Tape, in []*Var) *Var { return t.ConcatRows(in[0], in[1], in[0]) }, [2]int{0, 3}, [2]int{2, 3}),
		opsOn("sum rows", func(t *Tape, in []*Var) *Var { return t.Add(t.SumRows(in[0]), t.SumRows(in[0])) }, [2]int{0, 4}),
		opsOn("sum all", func(t *Tape, in []*Var) *Var { return t.SumAll(in[0]) }, [2]int{0, 4}),
		opsOn("mean all", func(t *Tape, in []*Var) *Var { return t.MeanAll(in[0]) }, [2]int{0, 4}),
		opsOn("row dot", func(t *Tape, in []*Var) *Var { return t.RowDot(in[0], in[1], 1) }, [2]int{0, 6}, [2]int{0, 6}),
		opsOn("row dot by heads", func(t *Tape, in []*Var) *Var { return t.RowDot(in[0], in[1], 2) }, [2]int{0, 6}, [2]int{0, 6}),
		opsOn("row dot with one row", func(t *Tape, in []*Var) *Var {
			return t.Add(t.RowDot(in[0], in[1], 3), t.RowDot(in[0], in[1], 3))
		}, [2]int{0, 6}, [2]int{1, 6}),
		opsOn("custom", func(t *Tape, in []*Var) *Var { return cube(t, in[0]) }, [2]int{0, 3}),
	}
	for a := range activations {
		act := Activation(a)
		f, g := "activate "+act.String(), "linear "+act.String()
		base := opsOn(f, func(t *Tape, in []*Var) *Var { return t.Add(t.Activate(in[0], act), in[0], in[0]) }, [2]int{0, 5})
		cases = append(cases, inDomain(act, base),
			opsOn(g, func(t *Tape, in []*Var) *Var {
				if act == Sqrt || act == Log1p { // only of what cannot be negative
					return t.Linear(t.Activate(in[0], Square), t.Activate(in[1], Square), t.Activate(in[2], Square), act)
				}
				return t.Linear(in[0], in[1], in[2], act)
			}, [2]int{0, 3}, [2]int{3, 5}, [2]int{1, 5}))
	}
	return slices.Concat(cases, edgeCases(), messageCases(), lossCases(), scanCases())
}

// residualShapes are the shapes of rows and of the parameters of residual blocks.
func residualShapes(width int, hidden ...int) [][2]int {
	shapes := [][2]int{{0, width}}
	for _, h := range hidden {
		shapes = append(shapes, [2]int{1, width}, [2]int{1, width}, [2]int{width, h}, [2]int{1, h}, [2]int{h, width}, [2]int{1, width})
	}
	return shapes
}

// residuals makes blocks of parameters in that order.
func residuals(t *Tape, in []*Var) []ResidualBlock {
	b := t.ResidualBlocks(len(in) / 6)
	for i := range b {
		p := in[6*i:]
		b[i] = ResidualBlock{Gamma: p[0], Beta: p[1], Up: t.Scale(p[2], 0.1), UpBias: p[3], Down: p[4], Bias: p[5]}
	}
	return b
}

// inDomain makes the inputs positive where the function asks for it.
func inDomain(act Activation, c opCase) opCase {
	if act != Sqrt && act != Log1p {
		return c
	}
	return opCase{c.name, func(n int) ([]Mat, opFunc) {
		in, op := c.make(n)
		for i, v := range in[0].Data {
			in[0].Data[i] = max(v, -v)
		}
		return in, op
	}}
}

// cube is x^3 by Custom.
func cube(t *Tape, x *Var) *Var {
	out := t.Alloc(x.Rows(), x.Cols())
	for i, v := range x.Val.Data {
		out.Data[i] = v * v * v
	}
	return t.Custom(out, func(grad Mat) {
		dx := t.GradOf(x)
		for i, v := range x.Val.Data {
			dx.Data[i] += 3 * v * v * grad.Data[i]
		}
	}, x)
}

func edgeCases() []opCase {
	var cases []opCase
	add := func(name string, f func(n int) ([]Mat, opFunc)) { cases = append(cases, opCase{name, f}) }
	add("scale rows by constants", func(n int) ([]Mat, opFunc) {
		s := positive(1, n)
		return []Mat{random(1, n, 4)}, func(t *Tape, in []*Var) *Var { return t.ScaleRowsBy(in[0], s) }
	})
	add("gather rows", func(n int) ([]Mat, opFunc) {
		idx := indices(1, 2*n, n, -1)
		return []Mat{random(1, n, 4)}, func(t *Tape, in []*Var) *Var { return t.Mul(t.GatherRows(in[0], idx), t.GatherRows(in[0], idx)) }
	})
	add("embedding, few rows of a large table", func(n int) ([]Mat, opFunc) {
		idx := indices(2, n/4, n+1, -1)
		return []Mat{random(1, 2*n, 4)}, func(t *Tape, in []*Var) *Var { return t.Embedding(in[0], idx) }
	})
	add("scatter add rows", func(n int) ([]Mat, opFunc) {
		idx := indices(3, n, n/2, -1)
		return []Mat{random(1, n, 4)}, func(t *Tape, in []*Var) *Var { return t.ScatterAddRows(in[0], idx, n/2+1) }
	})
	add("gathered sum", func(n int) ([]Mat, opFunc) {
		few, many := indices(11, n, n/2, -1), indices(12, n, 3*n+1, -1)
		return []Mat{random(1, n/2, 7), random(2, 3*n+1, 7), random(3, n+2, 7), random(4, n, 7)},
			func(t *Tape, in []*Var) *Var {
				return t.GatherSum(n, GatherTerm{X: in[0], Index: few}, GatherTerm{X: in[1], Index: many}, GatherTerm{X: in[2]}, GatherTerm{X: in[3]}, GatherTerm{X: in[0], Index: few})
			}
	})
	add("gathered sum of a constant", func(n int) ([]Mat, opFunc) {
		idx, c := indices(13, n, n, -1), random(5, n, 4)
		return []Mat{random(1, n, 4)}, func(t *Tape, in []*Var) *Var {
			return t.GatherSum(n, GatherTerm{X: t.Const(c), Index: idx}, GatherTerm{X: in[0], Index: idx})
		}
	})
	add("gathered sum of products", func(n int) ([]Mat, opFunc) {
		idx, ages, older := indices(14, n, n, -1), random(5, n, 3), random(6, n+1, 2)
		return []Mat{random(1, 3, 7), random(2, 2, 7), random(3, n, 7)}, func(t *Tape, in []*Var) *Var {
			return t.GatherSum(n, GatherTerm{X: in[2]}, GatherTerm{X: t.Const(ages), Index: idx, By: in[0]},
				GatherTerm{X: t.Const(older), By: in[1]}, GatherTerm{X: t.Const(ages), By: in[0]})
		}
	})
	for _, act := range []Activation{Identity, ReLU, SiLU} {
		add("norm "+act.String()+" add of sums", func(n int) ([]Mat, opFunc) {
			idx, ages := indices(15, n, n, -1), random(5, n, 3)
			return []Mat{random(1, n, 9), random(2, 1, 9), random(3, 1, 9), random(4, 3, 9)}, func(t *Tape, in []*Var) *Var {
				y := append(t.Terms(3)[:0], GatherTerm{X: in[0], Index: idx}, GatherTerm{X: t.Const(ages), By: in[3]}, GatherTerm{X: in[0]})
				return t.NormActAddTerms(n, y, in[1], in[2], act, y[:2])
			}
		})
		add("norm "+act.String()+" add", func(n int) ([]Mat, opFunc) {
			return []Mat{random(1, n, 9), random(2, 1, 9), random(3, 1, 9), random(4, n, 9)}, func(t *Tape, in []*Var) *Var {
				return t.NormActAdd(in[0], in[1], in[2], act, t.Scale(in[3], 2))
			}
		})
	}
	add("norm silu add to the first rows", func(n int) ([]Mat, opFunc) {
		return []Mat{random(1, n, 6), random(2, 2*n, 6)}, func(t *Tape, in []*Var) *Var {
			return t.NormActAdd(in[0], nil, nil, SiLU, in[1])
		}
	})
	add("norm relu of a constant", func(n int) ([]Mat, opFunc) {
		c := random(1, n, 6)
		return []Mat{random(2, n, 6)}, func(t *Tape, in []*Var) *Var {
			return t.Add(t.NormActAdd(t.Const(c), nil, nil, ReLU, in[0]), t.NormActAdd(in[0], nil, nil, ReLU, nil))
		}
	})
	for _, kind := range []Reduce{Sum, Mean, Max, Min} {
		add("gather reduce "+kind.String(), func(n int) ([]Mat, opFunc) {
			csr := someEdges(4, n, n+1)
			return []Mat{distinct(1, n+1, 5)}, func(t *Tape, in []*Var) *Var {
				return t.Add(t.GatherReduce(in[0], csr, kind), t.GatherReduce(in[0], csr, kind))
			}
		})
		add("reduce one row per edge "+kind.String(), func(n int) ([]Mat, opFunc) {
			csr := someEdges(4, n, n)
			csr.Src = nil
			return []Mat{distinct(1, csr.Edges(), 5)}, func(t *Tape, in []*Var) *Var { return t.GatherReduce(in[0], csr, kind) }
		})
	}
	add("gather reduce weighted", func(n int) ([]Mat, opFunc) {
		csr := someEdges(5, n, n+1)
		w := positive(1, csr.Edges())
		return []Mat{random(1, n+1, 5)}, func(t *Tape, in []*Var) *Var { return t.GatherReduceWeighted(in[0], csr, w) }
	})
	add("gather reduce mix", func(n int) ([]Mat, opFunc) {
		csr := someEdges(15, n, n+1)
		w := MatOf(csr.Edges(), 5, positive(1, 5*csr.Edges())...)
		return []Mat{random(1, n+1, 5)}, func(t *Tape, in []*Var) *Var {
			return t.Add(t.GatherReduceMix(in[0], csr, w), t.GatherReduceMix(in[0], csr, w))
		}
	})
	add("gather reduce through copies", func(n int) ([]Mat, opFunc) {
		csr, row := someEdges(16, n, 2*n+1), indices(17, 2*n+1, n/2+1, 0)
		return []Mat{random(1, n/2+1, 5)}, func(t *Tape, in []*Var) *Var {
			return t.GatherReduce(in[0], t.Through(csr, row), Mean)
		}
	})
	add("segment softmax", func(n int) ([]Mat, opFunc) {
		csr := someEdges(6, n, n)
		return []Mat{random(1, csr.Edges(), 2)}, func(t *Tape, in []*Var) *Var { return t.Add(t.SegmentSoftmax(in[0], csr), in[0]) }
	})
	add("attention sum", func(n int) ([]Mat, opFunc) {
		csr := someEdges(7, n, n+2)
		return []Mat{random(1, n+2, 6), random(2, csr.Edges(), 3)}, func(t *Tape, in []*Var) *Var {
			return t.Add(t.AttentionSum(in[0], in[1], csr), t.AttentionSum(in[0], in[1], csr))
		}
	})
	add("attention scores", func(n int) ([]Mat, opFunc) {
		csr := someEdges(8, n, n+2)
		return []Mat{random(1, n, 6), random(2, n+2, 6)}, func(t *Tape, in []*Var) *Var {
			return t.Add(t.AttentionScores(in[0], in[1], csr, 2, 0.7), t.AttentionScores(in[0], in[1], csr, 2, 0.3))
		}
	})
	return cases
}

func lossCases() []opCase {
	var cases []opCase
	add := func(name string, cols int, f func(t *Tape, p *Var, target, weight []Real) *Var) {
		cases = append(cases, opCase{name, func(n int) ([]Mat, opFunc) {
			target, weight := positive(3, n*cols), positive(4, n)
			return []Mat{random(1, n, cols)}, func(t *Tape, in []*Var) *Var {
				return t.Add(f(t, in[0], target, weight), f(t, in[0], target, nil))
			}
		}})
	}
	add("l1", 1, func(t *Tape, p *Var, y, w []Real) *Var { return t.L1(p, y, w) })
	add("mse", 2, func(t *Tape, p *Var, y, w []Real) *Var { return t.MSE(p, y, w) })
	add("huber", 1, func(t *Tape, p *Var, y, w []Real) *Var { return t.Huber(p, y, w, 0.8) })
	add("smooth l1", 1, func(t *Tape, p *Var, y, w []Real) *Var { return t.SmoothL1(p, y, w, 0.8) })
	add("bce", 1, func(t *Tape, p *Var, y, w []Real) *Var { return t.BCEWithLogits(p, y, w, 3) })
	add("poisson", 1, func(t *Tape, p *Var, y, w []Real) *Var { return t.PoissonNLL(p, y, w) })
	add("quantile", 1, func(t *Tape, p *Var, y, w []Real) *Var { return t.Quantile(p, y, w, 0.8) })
	labels := []Real{1, 4, 0.5}
	add("multilabel", 3, func(t *Tape, p *Var, y, w []Real) *Var { return t.MultilabelBCE(p, y, w, labels) })
	cases = append(cases, opCase{"cross entropy", func(n int) ([]Mat, opFunc) {
		target, weight, classes := indices(1, n, 4, -1), positive(4, n), []Real{1, 2, 0.5, 3}
		return []Mat{random(1, n, 4)}, func(t *Tape, in []*Var) *Var {
			return t.Add(
				t.CrossEntropy(in[0], target, CrossEntropyOptions{}),
				t.CrossEntropy(in[0], target, CrossEntropyOptions{ClassWeights: classes, RowWeights: weight, Smoothing: 0.1}))
		}
	}})
	return cases
}
