package shop

import (
	"database/sql"
	"math"
	"math/rand/v2"
	"time"
)

// The streams of random numbers. Each (stream, i, j) has a generator of its own, so
// that a draw more in one place moves nothing anywhere else.
const (
	streamQuality = iota + 1
	streamSupplier
	streamProduct
	streamCustomer
	streamPeriod
)

// source is a counter-based family of generators: a pure function of its arguments.
func source(seed uint64, stream, i, j int) *rand.Rand {
	a := mix(seed ^ mix(uint64(stream)))
	b := mix(a ^ mix(uint64(i)<<20|uint64(j)))
	return rand.New(rand.NewPCG(a^mix(b), b))
}

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// poisson draws from a Poisson distribution of small mean (Knuth).
func poisson(r *rand.Rand, mean float64) int {
	limit, n := math.Exp(-mean), 0
	for p := r.Float64(); p > limit; p *= r.Float64() {
		n++
	}
	return n
}

// between draws a time in (from, to], in whole seconds.
func between(r *rand.Rand, from, to time.Time) time.Time {
	seconds := int64(to.Sub(from) / time.Second)
	return from.Add(time.Duration(1+r.Int64N(seconds)) * time.Second)
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// weighted draws a position with probability proportional to its weight; sums holds
// the running sums of the weights.
func weighted(r *rand.Rand, sums []float64) int {
	x := r.Float64() * sums[len(sums)-1]
	lo, hi := 0, len(sums)-1
	for lo < hi {
		if mid := (lo + hi) / 2; sums[mid] <= x {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// maybe is v, or NULL with probability p.
func maybe[T any](r *rand.Rand, p float64, v T) sql.Null[T] {
	if r.Float64() < p {
		return sql.Null[T]{}
	}
	return sql.Null[T]{V: v, Valid: true}
}

func some[T any](v T) sql.Null[T] { return sql.Null[T]{V: v, Valid: true} }

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// cents rounds an amount of money.
func cents(x float64) float64 { return math.Round(x*100) / 100 }

// halving is the weight of something that age old, where halfLife halves it.
func halving(age, halfLife time.Duration) float64 {
	return math.Exp2(-float64(age) / float64(halfLife))
}
