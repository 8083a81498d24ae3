package tensor

import "math"

// golden is 2^64 divided by the golden ratio, the step of the splitmix64 generator
// (Steele, Lea and Flood, 2014).
const golden = 0x9e3779b97f4a7c15

// mix is the finaliser of splitmix64: a bijection that spreads every input bit.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Hash64 mixes keys, in order, to one 64-bit value: the key of a random stream from
// (seed, epoch, example, hop, ...).
func Hash64(keys ...uint64) uint64 {
	h := uint64(golden)
	for _, k := range keys {
		h = mix((h ^ k) + golden)
	}
	return h
}

// HashString is an ordered hash of the bytes of s, for keys that are names.
func HashString(s string) uint64 {
	h := uint64(len(s))
	for i := range len(s) {
		h = mix((h ^ uint64(s[i])) + golden)
	}
	return h
}

// bitsAt returns number i of the stream of that key.
func bitsAt(key, i uint64) uint64 { return mix(key + (i+1)*golden) }

// Uniform returns number i of the stream of that key, uniform in [0, 1).
func Uniform(key, i uint64) float64 { return float64(bitsAt(key, i)>>11) / (1 << 53) }

// Normal returns number i of the stream of that key, normal with mean 0 and
// deviation 1 (Box and Muller's transform of two uniform numbers).
func Normal(key, i uint64) float64 {
	u := 1 - Uniform(key, 2*i)
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*Uniform(key, 2*i+1))
}

// Stream hands out the numbers of one key in order. Its two fields are its whole
// state, so it can be saved and continued.
type Stream struct {
	Key  uint64
	Next uint64 // counter of the next number
}

// NewStream returns the stream of Hash64(keys...).
func NewStream(keys ...uint64) *Stream { return &Stream{Key: Hash64(keys...)} }

// Uint64 returns 64 random bits.
func (s *Stream) Uint64() uint64 {
	s.Next++
	return bitsAt(s.Key, s.Next-1)
}

// Float64 returns a number uniform in [0, 1).
func (s *Stream) Float64() float64 { return float64(s.Uint64()>>11) / (1 << 53) }

// IntN returns an integer uniform in [0, n).
func (s *Stream) IntN(n int) int {
	if n <= 0 {
		panic("tensor: IntN needs a positive bound")
	}
	// Numbers of the last, incomplete cycle of n would favour small results.
	limit := math.MaxUint64 - math.MaxUint64%uint64(n)
	for {
		if x := s.Uint64(); x < limit {
			return int(x % uint64(n))
		}
	}
}

// Shuffle orders n elements at random through swap (Fisher and Yates).
func (s *Stream) Shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, s.IntN(i+1))
	}
}
