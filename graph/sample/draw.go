package sample

import "math/bits"

// Stream is a counter-based stream of random numbers: number i of a stream is a pure
// function of the stream and i, so nothing that runs beside it can change it.
type Stream uint64

// golden is 2^64 divided by the golden ratio, the increment of SplitMix64.
const golden = 0x9e3779b97f4a7c15

// Draw returns number i of the stream, uniform over all 64 bits.
func (s Stream) Draw(i uint64) uint64 { return mix(uint64(s) + (i+1)*golden) }

// Below returns number i of the stream scaled to [0, n). The scaling favours no value
// by more than n/2^64.
func (s Stream) Below(i, n uint64) uint64 {
	hi, _ := bits.Mul64(s.Draw(i), n)
	return hi
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood: Fast splittable
// pseudorandom number generators, OOPSLA 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// fold extends the identity h by x.
func fold(h, x uint64) uint64 { return mix(h*golden + mix(x+golden)) }

// pathTo is the path identity of what a copy with identity path reads over edge type e
// at position pos among its visible neighbours: never a row number.
func pathTo(path uint64, e int, pos int32) uint64 {
	return fold(path, uint64(e)<<32|uint64(uint32(pos)))
}
