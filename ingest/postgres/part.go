package postgres

import (
	"context"
	"errors"

	"github.com/rowlink/rowlink/ingest"
)

// readPart is what was read of a table: rows and what they held that a snapshot cannot.
type readPart struct {
	rows *ingest.TableBuilder
	odd  []oddities
	seen int64 // of a plan that reads recent rows: all rows of the range
}

// spare returns an empty part, one that was used before where there is one.
func (p *plan) spare() *readPart {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.spares); n > 0 {
		part := p.spares[n-1]
		p.spares = p.spares[:n-1]
		return part
	}
	return &readPart{rows: p.rows.Part(p.long), odd: make([]oddities, len(p.fields))}
}

// drop voids what a part holds.
func (r *readPart) drop() {
	r.rows.Drop()
	clear(r.odd)
	r.seen = 0
}

// append adds what o holds and empties it.
func (r *readPart) append(o *readPart) {
	r.rows.Append(o.rows)
	for i := range r.odd {
		r.odd[i].add(o.odd[i])
	}
	r.seen += o.seen
	clear(o.odd)
	o.seen = 0
}

func (o *oddities) add(x oddities) {
	o.notFinite += x.notFinite
	o.endless += x.endless
	o.cut += x.cut
}

// ahead is how many pieces of a table are read, or wait for their turn, at a time: it
// bounds the memory that a read needs.
const ahead = maxWorkers + 1

// wait returns when piece number may be read. The piece whose turn it is never waits, so
// others do not wait for ever.
func (p *plan) wait(ctx context.Context, number int) error {
	stop := context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.turn.Broadcast()
	})
	defer stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for number >= p.next+ahead && ctx.Err() == nil {
		p.turn.Wait()
	}
	return ctx.Err()
}

// add takes piece number of the table over. Pieces are added in the order of the table's
// pages, which is nearly always that of its key: rows out of order cost a sort.
func (p *plan) add(number int, part *readPart) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.parts == nil {
		p.parts, p.odd = map[int]*readPart{}, make([]oddities, len(p.fields))
	}
	p.parts[number] = part
	whole := readPart{rows: p.rows, odd: p.odd}
	for p.parts[p.next] != nil {
		part := p.parts[p.next]
		delete(p.parts, p.next)
		whole.append(part)
		p.failed = errors.Join(p.failed, part.rows.Err())
		p.spares = append(p.spares, part)
		p.next++
	}
	p.seen += whole.seen
	if p.next == p.pieces {
		for _, part := range p.spares {
			part.rows.Discard()
		}
		p.spares = nil
		p.rows.Settle()
	}
	p.turn.Broadcast()
	return errors.Join(p.failed, p.rows.Err())
}
