package postgres

import "github.com/rowlink/rowlink/ingest"

// readPart is what was read of a table: rows and what they held that a snapshot cannot.
type readPart struct {
	rows *ingest.TableBuilder
	odd  []oddities
	seen int64 // of a plan that reads recent rows: all rows of the range
}

func newPart(p *plan) *readPart {
	return &readPart{rows: p.rows.Part(), odd: make([]oddities, len(p.fields))}
}

func (r *readPart) append(o *readPart) {
	r.rows.Append(o.rows)
	for i := range r.odd {
		r.odd[i].add(o.odd[i])
	}
	r.seen += o.seen
}

func (o *oddities) add(x oddities) {
	o.notFinite += x.notFinite
	o.endless += x.endless
	o.cut += x.cut
}

// add takes piece number of the table over. Pieces are added in the order of the table's
// pages, which is nearly always that of its key: rows out of order cost a sort.
func (p *plan) add(number int, part *readPart) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.parts == nil {
		p.parts, p.odd = map[int]*readPart{}, make([]oddities, len(p.fields))
	}
	p.parts[number] = part
	whole := readPart{rows: p.rows, odd: p.odd}
	for p.parts[p.next] != nil {
		whole.append(p.parts[p.next])
		delete(p.parts, p.next)
		p.next++
	}
	p.seen += whole.seen
}
