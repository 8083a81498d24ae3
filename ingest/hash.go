package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/rowlink/rowlink/internal/mapped"
	"github.com/rowlink/rowlink/schema"
)

// contentID is the first 16 hexadecimal digits of the SHA-256 over the declared
// schema and all values. Equal databases have equal IDs whoever reads them in
// whatever order; the moment of reading and the mapping do not count.
func (s *Snapshot) contentID() string {
	type part struct{ table, column int }
	var parts []part
	for t := range s.Tables {
		for c := range s.Tables[t].Columns {
			parts = append(parts, part{t, c})
		}
	}
	sums := make([][sha256.Size]byte, len(parts))
	_ = each(len(parts), func(i int) error {
		sums[i] = s.Tables[parts[i].table].Columns[parts[i].column].sum()
		return nil
	})
	h := sha256.New()
	for t, tab := range s.Tables {
		fmt.Fprintf(h, "table %d %d\n", t, tab.Rows)
		fmt.Fprintf(h, "%q %q %v %v\n", tab.Def.Namespace, tab.Def.Name, tab.Def.Key, tab.Def.Unique)
		for _, c := range tab.Def.Columns {
			fmt.Fprintf(h, "%q %q %v %v\n", c.Name, c.DBType, c.Kind, c.NotNull)
		}
		for _, l := range tab.Def.Links {
			fmt.Fprintf(h, "%q %v %d %v\n", l.Name, l.Columns, l.To, l.Ref)
		}
	}
	for i := range sums {
		h.Write(sums[i][:])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// sum is the SHA-256 of the values. NULLs hold zeros, so only the bitmap tells them.
func (c *Column) sum() (out [sha256.Size]byte) {
	h := sha256.New()
	for _, b := range [][]byte{c.Valid, c.Bits, mapped.Bytes(c.Ints), mapped.Bytes(c.Floats), mapped.Bytes(c.Offsets), c.Bytes} {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	h.Sum(out[:0])
	return out
}

// KeyHash returns a hash of the key values of row (of all its values in a table
// without key). It does not depend on the row number, so random streams that start
// from it stay the same when other rows come or go. Rows that are equal in all
// hashed values have the same hash.
func (t *Table) KeyHash(row int32) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	if len(t.Def.Key) == 0 {
		for c := range t.Columns {
			h = mix(h ^ t.Columns[c].hash(int(row)))
		}
		return h
	}
	for _, c := range t.Def.Key {
		h = mix(h ^ t.Columns[c].hash(int(row)))
	}
	return h
}

// hash is a hash of one value; NULL and the opaque have one of their own.
func (c *Column) hash(row int) uint64 {
	if c.Null(row) {
		return 0x632be59bd9b4e019
	}
	switch c.Kind {
	case schema.Int, schema.Time:
		return mix(uint64(c.Ints[row]))
	case schema.Float:
		return mix(floatCode(c.Floats[row]))
	case schema.Bool:
		return mix(uint64(boolToInt(c.Bool(row))))
	}
	h := uint64(14695981039346656037) // FNV-1a, 64 bits
	for _, b := range c.Bytes[c.Offsets[row]:c.Offsets[row+1]] {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return mix(h)
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood, 2014) with its increment.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
