package tensor

import (
	"math"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestPool_coversEachIndexOnceInFixedBlocks(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		p := NewPool(threads)
		for _, n := range []int{0, 1, 7, 8, 9, 1000} {
			seen := make([]atomic.Int32, n)
			var busy [5]atomic.Int32
			p.RunIndexed(n, 8, func(block, lo, hi, worker int) {
				if lo != 8*block || hi != min(lo+8, n) {
					t.Errorf("block %d is [%d,%d)", block, lo, hi)
				}
				if busy[worker].Add(1) != 1 {
					t.Errorf("worker %d runs two blocks at once", worker)
				}
				for i := lo; i < hi; i++ {
					seen[i].Add(1)
				}
				busy[worker].Add(-1)
			})
			for i := range seen {
				if seen[i].Load() != 1 {
					t.Fatalf("index %d was visited %d times", i, seen[i].Load())
				}
			}
		}
	}
}

func TestPool_panicReachesTheCaller(t *testing.T) {
	p := NewPool(3)
	for range 20 {
		func() {
			defer func() {
				if v := recover(); v != "tensor: block 7" {
					t.Fatalf("recovered %v", v)
				}
			}()
			p.RunIndexed(10, 1, func(block, _, _, _ int) {
				if block == 7 {
					panic("tensor: block 7")
				}
			})
		}()
	}
	ran := atomic.Int32{}
	p.Run(10, 1, func(_, _ int) { ran.Add(1) })
	if ran.Load() != 10 {
		t.Fatalf("after a panic %d of 10 blocks ran", ran.Load())
	}
}

func TestPool_leavesNoGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	p := NewPool(4)
	for range 50 {
		p.Run(100, 1, func(_, _ int) {})
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestRandom_isAFunctionOfKeyAndIndex(t *testing.T) {
	if Hash64(1, 2) == Hash64(2, 1) || Hash64(1) == Hash64(1, 0) {
		t.Fatal("Hash64 must depend on values, order and number")
	}
	// The published splitmix64 started from 0.
	for i, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f} {
		if got := bitsAt(0, uint64(i)); got != want {
			t.Fatalf("number %d of key 0 is %x, want %x", i, got, want)
		}
	}
	if HashString("ab") == HashString("ba") || HashString("") == HashString("\x00") {
		t.Fatal("HashString must depend on the bytes and their order")
	}
	const n = 100000
	var u, z, zz float64
	for i := range uint64(n) {
		u += Uniform(3, i)
		v := Normal(4, i)
		z += v
		zz += v * v
	}
	// standard errors: 0.0009, 0.003, 0.0045
	if math.Abs(u/n-0.5) > 0.004 || math.Abs(z/n) > 0.013 || math.Abs(zz/n-1) > 0.02 {
		t.Fatalf("means of Uniform %v, Normal %v, its square %v", u/n, z/n, zz/n)
	}
}

func TestStream_shuffleIsAPermutationAndContinues(t *testing.T) {
	s := NewStream(1, 2)
	order := make([]int, 50)
	for i := range order {
		order[i] = i
	}
	s.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	seen := map[int]bool{}
	moved := 0
	for i, v := range order {
		seen[v] = true
		if i != v {
			moved++
		}
	}
	if len(seen) != 50 || moved < 30 {
		t.Fatalf("%d distinct values, %d moved", len(seen), moved)
	}
	copied := *s
	if a, b := s.Uint64(), copied.Uint64(); a != b {
		t.Fatalf("a copied stream continues with %d, want %d", b, a)
	}
}

func TestParseActivation(t *testing.T) {
	for a := range activations {
		got, err := ParseActivation(Activation(a).String())
		if err != nil || got != Activation(a) {
			t.Errorf("%s: %v, %v", Activation(a), got, err)
		}
	}
	_, err := ParseActivation("rleu")
	if err == nil || !strings.HasPrefix(err.Error(), `unknown activation "rleu" (have deviation, elu, exp, gelu,`) {
		t.Fatalf("error %v", err)
	}
}
