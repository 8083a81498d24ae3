package tensor

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Pool runs loops on a bounded number of goroutines. Work is always cut into blocks
// of a size that the caller fixes, never into one share per thread, so results do
// not depend on the number of threads. A Pool may be used by several goroutines at
// once; each loop then has its own bound.
type Pool struct {
	threads int
	jobs    sync.Pool
}

// NewPool returns a pool of that many threads; 0 or less means one per CPU.
func NewPool(threads int) *Pool {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return &Pool{threads: threads, jobs: sync.Pool{New: newJob}}
}

// Threads returns the number of goroutines that a loop may use.
func (p *Pool) Threads() int { return p.threads }

// Run calls fn for the blocks [0,grain), [grain,2 grain), ... of [0,n) and returns
// when all are done. A panic of fn is raised again in the caller.
func (p *Pool) Run(n, grain int, fn func(lo, hi int)) {
	p.run(n, work{grain: grain, n: n, plain: fn})
}

// RunIndexed is Run with the number of the block and of the worker: at any moment
// at most one block runs under one worker number (0 <= worker < Threads).
func (p *Pool) RunIndexed(n, grain int, fn func(block, lo, hi, worker int)) {
	p.run(n, work{grain: grain, n: n, indexed: fn})
}

// A span is one block of a loop.
type span struct{ block, lo, hi, worker int }

// work is one loop; exactly one of the functions is set. The form with a node
// exists because a closure would cost an allocation per operator.
type work struct {
	n, grain int
	plain    func(lo, hi int)
	indexed  func(block, lo, hi, worker int)
	node     *node
	onNode   func(*node, span)
}

func (w *work) do(block, worker int) {
	s := span{block, block * w.grain, min((block+1)*w.grain, w.n), worker}
	switch {
	case w.onNode != nil:
		w.onNode(w.node, s)
	case w.indexed != nil:
		w.indexed(s.block, s.lo, s.hi, s.worker)
	default:
		w.plain(s.lo, s.hi)
	}
}

func blocks(n, grain int) int { return (n + grain - 1) / grain }

func (p *Pool) run(n int, w work) {
	if w.grain < 1 {
		panic("tensor: a loop needs a grain of at least 1")
	}
	count := blocks(n, w.grain)
	if p.threads == 1 || count <= 1 {
		for b := range count {
			w.do(b, 0)
		}
		return
	}
	j := p.jobs.Get().(*job)
	j.work, j.blocks = w, int64(count)
	j.next.Store(0)
	j.helpers.Store(0)
	for range min(p.threads, count) - 1 {
		j.wg.Add(1)
		go j.helper()
	}
	j.drain(0)
	j.wg.Wait()
	failed := j.failed.Swap(nil)
	j.work = work{}
	p.jobs.Put(j)
	if failed != nil {
		panic(failed.value)
	}
}

// job is a running loop: workers take block numbers from next until none is left.
type job struct {
	work
	blocks  int64
	next    atomic.Int64
	helpers atomic.Int64 // that have started
	helper  func()       // help, made once: a goroutine with arguments would allocate
	wg      sync.WaitGroup
	failed  atomic.Pointer[failure]
}

func newJob() any {
	j := new(job)
	j.helper = j.help
	return j
}

type failure struct{ value any }

func (j *job) help() {
	defer j.wg.Done()
	j.drain(int(j.helpers.Add(1)))
}

func (j *job) drain(worker int) {
	defer func() {
		if v := recover(); v != nil {
			j.failed.CompareAndSwap(nil, &failure{v})
			j.next.Store(j.blocks)
		}
	}()
	for b := j.next.Add(1) - 1; b < j.blocks; b = j.next.Add(1) - 1 {
		j.do(int(b), worker)
	}
}
