// Package tensor owns the numbers of the engine: matrices, the tape that records
// coarse operators and runs their gradients backwards, the pool that cuts work
// into fixed blocks, and counter-based random numbers.
//
// A layer's author writes the forward pass from the methods of [Tape] and never a
// gradient:
//
//	t := tensor.NewTape(tensor.NewPool(2))
//	for each step {
//		t.Reset()
//		h := t.Linear(t.Const(x), t.Leaf(w, dw), t.Leaf(b, db), tensor.ReLU)
//		loss := t.MSE(h, target, nil)
//		t.Backward(loss) // dw and db now hold the gradients
//	}
//
// All memory of a step comes from arenas of the tape: nothing that it returned may
// be used after the next Reset, and a step of a size seen before allocates nothing.
// Results have equal bits at any number of threads. A wrong shape is a bug of the
// caller and panics.
package tensor
