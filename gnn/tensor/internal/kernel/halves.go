package kernel

import "math"

var plainHalves = Halves{
	FromHalf:  plainFromHalf,
	ToHalf:    plainToHalf,
	FromBrain: plainFromBrain,
	GatherHalf: func(dst []float32, x []uint16, cols int, idx []int32) {
		gather16(dst, x, cols, idx, plainFromHalf)
	},
	GatherBrain: func(dst []float32, x []uint16, cols int, idx []int32) {
		gather16(dst, x, cols, idx, plainFromBrain)
	},
}

func gather16(dst []float32, x []uint16, cols int, idx []int32, convert func([]float32, []uint16)) {
	for i, r := range idx {
		row := dst[i*cols:][:cols]
		if r < 0 {
			clear(row)
		} else {
			convert(row, x[int(r)*cols:][:cols])
		}
	}
}

func plainFromHalf(dst []float32, src []uint16) {
	for i, h := range src[:len(dst)] {
		dst[i] = fromHalf(h)
	}
}

func plainToHalf(dst []uint16, src []float32) {
	for i, v := range src[:len(dst)] {
		dst[i] = toHalf(v)
	}
}

func plainFromBrain(dst []float32, src []uint16) {
	for i, h := range src[:len(dst)] {
		dst[i] = math.Float32frombits(uint32(h) << 16)
	}
}

// ToBrain rounds to bfloat16, to the nearest, ties to even. Cut off from a float32, it
// needs no machine code.
func ToBrain(dst []uint16, src []float32) {
	for i, v := range src[:len(dst)] {
		b := math.Float32bits(v)
		if v != v {
			dst[i] = uint16(b>>16) | 0x40 // a quiet NaN
			continue
		}
		dst[i] = uint16((b + 0x7fff + b>>16&1) >> 16)
	}
}

// fromHalf has 1 bit of sign, 5 of exponent (bias 15) and 10 of fraction.
func fromHalf(h uint16) float32 {
	sign, exponent, fraction := uint32(h&0x8000)<<16, uint32(h>>10&31), uint32(h&0x3ff)
	switch {
	case exponent == 31 && fraction != 0:
		return math.Float32frombits(sign | 0x7fc00000 | fraction<<13)
	case exponent == 31:
		return math.Float32frombits(sign | 0x7f800000)
	case exponent == 0: // a multiple of 2^-24
		v := float32(fraction) * (1.0 / (1 << 24))
		return math.Float32frombits(sign | math.Float32bits(v))
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

func toHalf(v float32) uint16 {
	b := math.Float32bits(v)
	sign, size := uint16(b>>16&0x8000), b&0x7fffffff
	switch {
	case size > 0x7f800000:
		return sign | 0x7e00 | uint16(size>>13&0x3ff)
	case size >= 0x477ff000: // 65520 and above round to infinity
		return sign | 0x7c00
	case size < 0x38800000: // below 2^-14: a multiple of 2^-24, rounded by an addition
		return sign | uint16(math.Float32bits(math.Float32frombits(size)+0.5)-0x3f000000)
	}
	return sign | uint16((size-112<<23+0xfff+size>>13&1)>>13)
}
