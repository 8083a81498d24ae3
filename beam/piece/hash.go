package piece

import (
	"math"
	"strconv"
	"strings"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// Hash is a hash of some columns of a row that is equal wherever a foreign key and what it
// refers to may be equal, whatever their types: 5, 5.0, '5' and '5  ' have one. Values that
// differ seldom have one too, which costs rows of a piece that nobody reads; the links of a
// piece are resolved in it as exactly as everywhere. ok is false for NULL.
func Hash(columns []ingest.Column, cols []int, row int) (h uint64, ok bool) {
	h = 0x9e3779b97f4a7c15
	for _, c := range cols {
		v, ok := value(&columns[c], row)
		if !ok {
			return 0, false
		}
		h = mix(h ^ v)
	}
	return h, true
}

func value(c *ingest.Column, row int) (uint64, bool) {
	if c.Null(row) {
		return 0, false
	}
	switch c.Kind {
	case schema.Int, schema.Time:
		return mix(uint64(c.Ints[row])), true
	case schema.Float:
		v := c.Floats[row]
		if v == math.Trunc(v) && math.Abs(v) < 1<<63 {
			return mix(uint64(int64(v))), true
		}
		return mix(math.Float64bits(v)), true
	case schema.Bool:
		if c.Bool(row) {
			return mix(1), true
		}
		return mix(0), true
	}
	text := strings.TrimRight(c.Text(row), " ")
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		return mix(uint64(v)), true
	}
	h := uint64(14695981039346656037) // FNV-1a, 64 bits
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return mix(h), true
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood, 2014) with its increment.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Bucket places a hash that an edge is matched by among n buckets. Another edge with the
// same values has another bucket.
func Bucket(edge int, hash uint64, n int) int64 {
	return int64(mix(hash^uint64(edge+1)*0xd6e8feb86659fd93) % uint64(n))
}

// Draw is a number in [0, 1) that a seed gives to a hash: whoever is below a share is drawn, so
// that a larger share holds all of a smaller one.
func Draw(seed, hash uint64) float64 { return float64(mix(hash^mix(seed))>>11) / (1 << 53) }

// Shard is the number, of n, of the piece that an entity with the hash of its key is in.
func Shard(hash uint64, n int) int64 { return int64(hash % uint64(n)) }
