package train

import (
	"context"

	"github.com/rowlink/rowlink/graph/sample"
)

// loader samples the next batch while the current one is computed. Batches come in the
// order of the seeds, and their content does not depend on timing.
type loader struct {
	ready chan *sample.Batch
	idle  chan *sample.Batch
	quit  chan struct{}
	done  chan struct{}
}

// loading is the memory of the loaders: the batch that is computed, the one that is
// sampled, and the seeds of the latter. Only one loader runs at a time.
type loading struct {
	batches   [2]sample.Batch
	nextSeeds []sample.Seed
}

// load starts sampling the batches of one epoch; order holds positions in examples.
func (r *sampled) load(ctx context.Context, order []int, epoch uint64) *loader {
	l := &loader{ready: make(chan *sample.Batch), idle: make(chan *sample.Batch, len(r.batches)), quit: make(chan struct{}), done: make(chan struct{})}
	for i := range r.batches {
		l.idle <- &r.batches[i]
	}
	go func() {
		defer close(l.done)
		for lo := 0; lo < len(order); lo += r.opt.Batch {
			part := order[lo:min(lo+r.opt.Batch, len(order))]
			var b *sample.Batch
			select {
			case b = <-l.idle:
			case <-l.quit:
				return
			}
			r.nextSeeds = r.nextSeeds[:0]
			for _, p := range part {
				x := &r.examples[p]
				r.nextSeeds = append(r.nextSeeds, sample.Seed{Row: x.Row, At: x.Cut, Key: x.key})
			}
			r.sampler.SampleInto(b, r.nextSeeds, epoch)
			select {
			case l.ready <- b:
			case <-l.quit:
				return
			}
		}
	}()
	return l
}

// next returns the next batch; it belongs to the caller until free.
func (l *loader) next(ctx context.Context) (*sample.Batch, error) {
	select {
	case b := <-l.ready:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *loader) free(b *sample.Batch) { l.idle <- b }

// stop ends the sampling and waits for it.
func (l *loader) stop() {
	close(l.quit)
	<-l.done
}
