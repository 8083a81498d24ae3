package sample

// Series draws several batches at a time, each whole on one thread: threads wait for each
// other once per round, not three times per batch as in [Sampler.SampleInto], and none
// lays out while others wait. It is for whoever wants many batches; a single batch is
// drawn by all threads. It owns the memory of its batches and is for one goroutine.
type Series struct {
	s       *Sampler
	batches []Batch
	seeds   [][]Seed
	epoch   uint64
	crew    crew

	draw func(thread, part int) // made once
}

// NewSeries returns a series that draws up to ahead batches at a time; 0 or less means as
// many as the sampler has threads.
func (s *Sampler) NewSeries(ahead int) *Series {
	if ahead <= 0 {
		ahead = s.opt.Threads
	}
	r := &Series{s: s, batches: make([]Batch, ahead)}
	r.draw = func(_, i int) { r.s.sampleInto(&r.batches[i], r.seeds[i], r.epoch, 1) }
	return r
}

// Each draws the subgraphs of the seeds in batches of the given size, the last of which
// may be smaller, and hands them over in order. What take gets is what [Sampler.Sample]
// would draw for the same seeds, and lives until take returns.
func (r *Series) Each(seeds []Seed, size int, epoch uint64, take func(*Batch)) {
	r.epoch = epoch
	for len(seeds) > 0 {
		r.seeds = r.seeds[:0]
		for len(seeds) > 0 && len(r.seeds) < len(r.batches) {
			n := min(size, len(seeds))
			r.seeds = append(r.seeds, seeds[:n])
			seeds = seeds[n:]
		}
		r.crew.do(r.s.opt.Threads, len(r.seeds), r.draw)
		for i := range r.seeds {
			take(&r.batches[i])
		}
	}
}
