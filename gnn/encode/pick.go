package encode

import (
	"sync"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// pickGrain is the fixed number of rows in one block of copying or encoding.
const pickGrain = 1024

// pickJob is the memory of one call of [Features.Pick], kept for the next.
type pickJob struct {
	f       *Features
	rows    []int32
	dense   tensor.Mat
	codes   tensor.CSR
	weights []tensor.Real
	blocks  [][]Code // on demand: codes of each block of rows

	copy, encode, place func(lo, hi int) // method values made once: no garbage per call
}

// pickJobs are the jobs that no call uses.
type pickJobs struct {
	mu   sync.Mutex
	idle []*pickJob
}

func (f *Features) job() *pickJob {
	f.jobs.mu.Lock()
	defer f.jobs.mu.Unlock()
	if n := len(f.jobs.idle); n > 0 {
		j := f.jobs.idle[n-1]
		f.jobs.idle = f.jobs.idle[:n-1]
		return j
	}
	j := &pickJob{f: f}
	j.copy, j.encode, j.place = j.copyBlock, j.encodeBlock, j.placeBlock
	return j
}

func (j *pickJob) done() {
	j.rows, j.dense, j.codes, j.weights = nil, tensor.Mat{}, tensor.CSR{}, nil
	j.f.jobs.mu.Lock()
	defer j.f.jobs.mu.Unlock()
	j.f.jobs.idle = append(j.f.jobs.idle, j)
}

// Pick returns the features of the given rows, in memory of the tape's step: dense is
// rows x dense features, and codes has one destination per row. Nothing is allocated
// in steady state.
func (f *Features) Pick(t *tensor.Tape, rows []int32) (dense tensor.Mat, codes tensor.CSR, weights []tensor.Real) {
	j := f.job()
	defer j.done()
	j.rows, j.dense = rows, t.Alloc(len(rows), f.Width())
	j.codes.Ptr = t.Ints(len(rows) + 1)
	fill := j.place
	if f.demand != nil {
		if n := (len(rows) + pickGrain - 1) / pickGrain; n > len(j.blocks) {
			j.blocks = append(j.blocks, make([][]Code, n-len(j.blocks))...)
		}
		t.Pool().Run(len(rows), pickGrain, j.encode)
	} else {
		for i, r := range rows {
			j.codes.Ptr[i+1] = f.Codes.Ptr[r+1] - f.Codes.Ptr[r]
		}
		fill = j.copy
	}
	j.codes.Ptr[0] = 0
	for i := range rows {
		j.codes.Ptr[i+1] += j.codes.Ptr[i]
	}
	total := int(j.codes.Ptr[len(rows)])
	j.codes.Src, j.weights = t.Ints(total), t.Alloc(1, total).Data
	t.Pool().Run(len(rows), pickGrain, fill)
	return j.dense, j.codes, j.weights
}

// copyBlock copies rows [lo, hi) of the call from those that were encoded once.
func (j *pickJob) copyBlock(lo, hi int) {
	f := j.f
	for i := lo; i < hi; i++ {
		r := j.rows[i]
		copy(j.dense.Row(i), f.Dense.Row(int(r)))
		from, to := f.Codes.Ptr[r], f.Codes.Ptr[r+1]
		copy(j.codes.Src[j.codes.Ptr[i]:], f.Codes.Src[from:to])
		copy(j.weights[j.codes.Ptr[i]:], f.Weights[from:to])
	}
}

// encodeBlock encodes rows [lo, hi) of the call and leaves the number of codes of each
// in Ptr.
func (j *pickJob) encodeBlock(lo, hi int) {
	codes := j.blocks[lo/pickGrain][:0]
	for i := lo; i < hi; i++ {
		before := len(codes)
		codes = j.f.demand.row(int(j.rows[i]), j.dense.Row(i), codes)
		j.codes.Ptr[i+1] = int32(len(codes) - before)
	}
	j.blocks[lo/pickGrain] = codes
}

// placeBlock moves the codes of an encoded block to their place.
func (j *pickJob) placeBlock(lo, hi int) {
	at := int(j.codes.Ptr[lo])
	for i, c := range j.blocks[lo/pickGrain] {
		j.codes.Src[at+i], j.weights[at+i] = c.ID, c.Weight
	}
}
