package piece

import (
	"errors"
	"fmt"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// Build makes a snapshot of the blocks of a piece, whose tags are table numbers; next
// gives one after the other. A row that came over several edges is taken once. dir is
// where columns of a piece that is too large for memory go; empty keeps them in memory.
func Build(sc *schema.Schema, next func(*[]byte) bool, dir string) (*ingest.Snapshot, error) {
	b := ingest.NewBuilder(sc)
	if dir != "" {
		b.Spill(dir)
	}
	seen := make([]map[uint64]struct{}, len(sc.Tables))
	var block []byte
	for next(&block) {
		r := NewReader(block)
		table := int(r.Uint())
		if r.Err() == nil && table >= len(sc.Tables) {
			return nil, fmt.Errorf("block of rows of table number %d, have %d", table, len(sc.Tables))
		}
		if r.Err() == nil && seen[table] == nil {
			seen[table] = map[uint64]struct{}{}
		}
		for r.More() {
			id := r.Uint()
			_, again := seen[table][id]
			into := b.Tables[table]
			if again {
				into = nil
			}
			r.Row(sc.Tables[table], into)
			seen[table][id] = struct{}{}
		}
		if r.Err() != nil {
			return nil, r.Err()
		}
	}
	raw, err := b.Finish(sc, 0)
	if err != nil {
		return nil, err
	}
	snap, err := raw.Derive(sc)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return snap, nil
}
