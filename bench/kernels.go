package bench

import (
	"context"
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// The sizes of the peers' layers.py.
const (
	nodes    = 20_000
	edges    = 200_000
	channels = 128
)

// gemmShapes are rows, inner and columns of the forward product.
var gemmShapes = [][3]int{{20000, 128, 128}, {2000, 512, 128}}

func kernelCases() []Case {
	var cases []Case
	for _, s := range gemmShapes {
		for _, form := range []tensor.Form{tensor.NN, tensor.NT, tensor.TN} {
			cases = append(cases, gemmCase(form, s))
		}
	}
	return append(cases,
		Case{Name: "gather/index_select", Unit: Bytes, What: "200,000 rows of 128 floats out of 20,000, read and written",
			prepare: func(_ context.Context, e Env) (Pass, error) { return gatherPass(e.Threads), nil }},
		Case{Name: "gather/scatter_add", Unit: Bytes, What: "200,000 rows of 128 floats added to 20,000, two reads and a write",
			prepare: func(_ context.Context, e Env) (Pass, error) { return scatterPass(e.Threads), nil }},
		Case{Name: "gather/reduce_mean", Unit: Bytes, What: "the mean over the sources of 20,000 destinations, 200,000 edges, without messages: rows read and written",
			prepare: func(_ context.Context, e Env) (Pass, error) { return reducePass(e.Threads), nil }})
}

// gemmCase times one product. NN is the forward product; NT is the gradient of its input
// and TN that of its weights, so all three are equally many operations.
func gemmCase(form tensor.Form, s [3]int) Case {
	m, k, n := s[0], s[1], s[2]
	what := map[tensor.Form]string{tensor.NN: "forward product", tensor.NT: "gradient of its input", tensor.TN: "gradient of its weights"}
	return Case{Name: fmt.Sprintf("gemm/%s/%dx%dx%d", form, m, k, n), What: what[form], Unit: Flops,
		prepare: func(_ context.Context, e Env) (Pass, error) {
			x, w, y := randomMat(1, m, k), randomMat(2, k, n), randomMat(3, m, n)
			t := tensor.NewTape(tensor.NewPool(e.Threads))
			return func() (float64, error) {
				t.Reset()
				switch form {
				case tensor.NN:
					t.Product(form, y, x, w)
				case tensor.NT:
					t.Product(form, x, y, w)
				case tensor.TN:
					t.Product(form, w, x, y)
				}
				return 2 * float64(m) * float64(k) * float64(n), nil
			}, nil
		}}
}

// randomMat is a matrix of normal numbers; its products stay finite over any number of
// passes, since a pass never reads what it wrote.
func randomMat(key uint64, rows, cols int) tensor.Mat {
	m := tensor.NewMat(rows, cols)
	for i := range m.Data {
		m.Data[i] = tensor.Real(tensor.Normal(key, uint64(i)))
	}
	return m
}

// randomIndex is n positions below below.
func randomIndex(key uint64, n, below int) []int32 {
	s := tensor.NewStream(key)
	idx := make([]int32, n)
	for i := range idx {
		idx[i] = int32(s.IntN(below))
	}
	return idx
}

const rowBytes = channels * 4

func gatherPass(threads int) Pass {
	x, idx := randomMat(1, nodes, channels), randomIndex(2, edges, nodes)
	t := inference(threads)
	return func() (float64, error) {
		t.Reset()
		t.GatherRows(t.Const(x), idx)
		return 2 * edges * rowBytes, nil
	}
}

func scatterPass(threads int) Pass {
	x, idx := randomMat(1, edges, channels), randomIndex(2, edges, nodes)
	t := inference(threads)
	return func() (float64, error) {
		t.Reset()
		t.ScatterAddRows(t.Const(x), idx, nodes)
		return 3 * edges * rowBytes, nil
	}
}

func reducePass(threads int) Pass {
	x, csr := randomMat(1, nodes, channels), randomCSR(2, nodes, edges, nodes)
	t := inference(threads)
	return func() (float64, error) {
		t.Reset()
		t.GatherReduce(t.Const(x), csr, tensor.Mean)
		return (edges + nodes) * rowBytes, nil
	}
}

func inference(threads int) *tensor.Tape {
	t := tensor.NewTape(tensor.NewPool(threads))
	t.Train = false
	return t
}

// randomCSR is edges between uniformly drawn nodes, by destination.
func randomCSR(key uint64, destinations, edges, sources int) tensor.CSR {
	src, dst := randomIndex(key, edges, sources), randomIndex(key+1, edges, destinations)
	csr := tensor.CSR{Ptr: make([]int32, destinations+1), Src: make([]int32, edges)}
	for _, d := range dst {
		csr.Ptr[d+1]++
	}
	for i := range destinations {
		csr.Ptr[i+1] += csr.Ptr[i]
	}
	at := append([]int32(nil), csr.Ptr[:destinations]...)
	for e, d := range dst {
		csr.Src[at[d]] = src[e]
		at[d]++
	}
	return csr
}
