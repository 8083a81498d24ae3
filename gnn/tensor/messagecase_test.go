package tensor

// messageCases are the fused operators of message passing.
func messageCases() []opCase {
	var cases []opCase
	add := func(name string, f func(n int) ([]Mat, opFunc)) { cases = append(cases, opCase{name, f}) }
	add("relation sum", func(n int) ([]Mat, opFunc) {
		a, b, c := someEdges(9, n, n+2), someEdges(10, n, n+2), someEdges(11, n, n+1)
		w := positive(1, b.Edges())
		in := []Mat{random(1, n+2, 5), random(2, n+1, 3), random(3, 1, 4), random(4, 5, 4), random(5, 5, 4), random(6, 3, 4), random(7, 5, 4), random(8, 3, 4)}
		return in, func(t *Tape, in []*Var) *Var {
			r := t.Relations(5)
			r[0] = Relation{X: in[0], W: in[3], CSR: a, Mean: true}
			r[1] = Relation{X: in[0], W: in[4], CSR: b, Weight: w}
			r[2] = Relation{X: in[1], W: in[5], CSR: c, Mean: true, Weight: positiveOf(t, c)}
			r[3] = Relation{X: in[0], W: in[6]}
			r[4] = Relation{X: in[1], W: in[7], CSR: c}
			plain := t.Relations(1)
			plain[0] = Relation{X: in[1], W: in[5], CSR: c}
			return t.Add(t.RelationSum(n, in[2], r), t.RelationSum(n, nil, plain))
		}
	})
	add("attend", func(n int) ([]Mat, opFunc) {
		a, b := someEdges(12, n, n+2), someEdges(13, n, n+1)
		return []Mat{random(1, n, 6), random(2, n+1, 6), random(3, n+2, 12), random(4, n+1, 12)}, func(t *Tape, in []*Var) *Var {
			l := t.Attendeds(3)
			l[0] = Attended{Q: in[0], KV: in[2], CSR: a}
			l[1] = Attended{Q: in[1], KV: in[3], CSR: b}
			l[2] = Attended{Q: in[1], KV: in[3], CSR: a}
			l[2].KV = in[2]
			one := t.Attendeds(1)
			one[0] = Attended{Q: in[0], KV: in[2], CSR: a}
			return t.ConcatCols(t.Attend(n, 2, l), t.Attend(n, 3, one))
		}
	})
	add("attend in wide heads", func(n int) ([]Mat, opFunc) {
		a := someEdges(12, n, n+2)
		return []Mat{random(1, n, 32), random(3, n+2, 64)}, func(t *Tape, in []*Var) *Var {
			l := t.Attendeds(1)
			l[0] = Attended{Q: t.Scale(in[0], 0.3), KV: in[1], CSR: a}
			return t.Attend(n, 2, l)
		}
	})
	add("attend additively", func(n int) ([]Mat, opFunc) {
		csr := someEdges(14, n, n+2)
		return []Mat{distant(1, n+2, 6), distant(2, n+1, 6), random(3, 1, 6)}, func(t *Tape, in []*Var) *Var {
			return t.Add(t.AttendAdditive(in[0], in[1], in[2], csr, 2), t.AttendAdditive(in[0], in[1], in[2], csr, 3))
		}
	})
	add("attend additively in wide heads", func(n int) ([]Mat, opFunc) {
		csr := someEdges(14, n, n+2)
		return []Mat{distant(1, n+2, 32), distant(2, n, 32), random(3, 1, 32)}, func(t *Tape, in []*Var) *Var {
			return t.AttendAdditive(in[0], in[1], t.Scale(in[2], 0.2), csr, 2)
		}
	})
	add("attend split", func(n int) ([]Mat, opFunc) {
		csr := someEdges(15, n, n+2)
		return []Mat{random(1, n+2, 6), distant(2, n+2, 2), distant(3, n+1, 2)}, func(t *Tape, in []*Var) *Var {
			return t.Add(t.AttendSplit(in[0], in[1], in[2], csr, 2), t.AttendSplit(in[0], in[1], in[2], csr, 2))
		}
	})
	cases = append(cases, opsOn("head linear", func(t *Tape, in []*Var) *Var {
		return t.Add(t.HeadLinear(in[0], 2, in[1], in[2]), t.HeadLinear(in[0], 4, in[3]))
	}, [2]int{0, 12}, [2]int{6, 4}, [2]int{6, 4}, [2]int{12, 2}),
		opsOn("blend", func(t *Tape, in []*Var) *Var {
			return t.Add(t.Blend(in[0], in[1], in[2]), t.Blend(in[0], in[0], in[2]))
		}, [2]int{0, 5}, [2]int{0, 5}, [2]int{1, 1}))
	return cases
}

// positiveOf returns a weight per edge from the tape's memory.
func positiveOf(t *Tape, c CSR) []Real {
	w := t.Alloc(1, c.Edges()).Data
	for i := range w {
		w[i] = 1 / Real(i%7+1)
	}
	return w
}

// distant returns numbers of -2.9 to 2.9 in steps of 0.2, an odd number of tenths: sums
// of two of them keep away from 0 when one of them is moved by half a tenth.
func distant(seed uint64, rows, cols int) Mat {
	m := NewMat(rows, cols)
	s := NewStream(seed)
	for i := range m.Data {
		m.Data[i] = Real(2*s.IntN(15)-14)/10 + 0.05
	}
	return m
}
