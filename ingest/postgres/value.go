package postgres

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"unicode/utf8"
)

// values are those of one column in rows that lie in data.
type values struct {
	data  []byte
	cells []cell // of row i: cells[i*step]
	step  int
	n     int // rows
}

func (v *values) at(i int) cell { return v.cells[i*v.step] }

func (v *values) bytes(c cell) []byte { return v.data[c.at : c.at+c.n] }

// takeFunc appends values, given in the server's binary format, to their column. An error
// comes with the number of the row among the values.
type takeFunc func(f *field, v values) (row int, err error)

// singly takes values one by one, for types that need more than a move.
func singly(put func(f *field, v []byte) error) takeFunc {
	return func(f *field, v values) (int, error) {
		for i := range v.n {
			c := v.at(i)
			if c.n < 0 {
				f.col.Null()
			} else if err := put(f, v.bytes(c)); err != nil {
				return i, err
			}
		}
		return 0, nil
	}
}

// fixed takes values of size bytes that become integers; those for which ok is false are
// stored as NULL and counted as endless.
func fixed(size int32, of func(b []byte) (v int64, ok bool)) takeFunc {
	return func(f *field, v values) (int, error) {
		out := f.col.Ints(v.n)
		for i := range out {
			c := v.at(i)
			if c.n == size {
				var ok bool
				if out[i], ok = of(v.data[c.at:]); ok {
					continue
				}
				f.odd.endless++
			} else if c.n >= 0 {
				return i, wrongLength(v.bytes(c), int(size))
			}
			out[i] = 0
			f.col.NullAt(i)
		}
		return 0, nil
	}
}

var (
	takeInt2 = fixed(2, func(b []byte) (int64, bool) { return int64(int16(binary.BigEndian.Uint16(b))), true })
	takeInt4 = fixed(4, func(b []byte) (int64, bool) { return int64(int32(binary.BigEndian.Uint32(b))), true })
	takeInt8 = fixed(8, func(b []byte) (int64, bool) { return int64(binary.BigEndian.Uint64(b)), true })
	takeOID  = fixed(4, func(b []byte) (int64, bool) { return int64(binary.BigEndian.Uint32(b)), true })
	takeDate = fixed(4, func(b []byte) (int64, bool) {
		days := int64(int32(binary.BigEndian.Uint32(b))) + epochDays
		const most = math.MaxInt64 / microPerDay
		return days * microPerDay, days > -most && days < most // infinity is the largest and smallest int32
	})
	takeTimestamp = fixed(8, func(b []byte) (int64, bool) {
		t := int64(binary.BigEndian.Uint64(b))
		return t + epochMicros, t != math.MinInt64 && t < math.MaxInt64-epochMicros // infinity is the largest and smallest int64
	})
	takeFloat4 = floats(4, false, float4)
	takeFloat8 = floats(8, false, float8)
)

func float4(b []byte) float64 { return float64(math.Float32frombits(binary.BigEndian.Uint32(b))) }
func float8(b []byte) float64 { return math.Float64frombits(binary.BigEndian.Uint64(b)) }

// floats takes values of size bytes that become numbers; those that are not finite are
// stored as NULL, except in keys.
func floats(size int32, key bool, of func(b []byte) float64) takeFunc {
	return func(f *field, v values) (int, error) {
		out := f.col.Floats(v.n)
		for i := range out {
			c := v.at(i)
			if c.n == size {
				if x := of(v.data[c.at:]); key || x-x == 0 { // neither NaN nor infinite
					out[i] = x
					continue
				}
				f.odd.notFinite++
			} else if c.n >= 0 {
				return i, wrongLength(v.bytes(c), int(size))
			}
			out[i] = 0
			f.col.NullAt(i)
		}
		return 0, nil
	}
}

// takeText takes the bytes as they are: the snapshot repairs invalid UTF-8 and counts it.
func takeText(f *field, v values) (int, error) {
	size := 0
	for i := range v.n {
		c := v.at(i)
		if c.n > maxValue && !f.key {
			return takeLong(f, v)
		}
		size += int(max(c.n, 0))
	}
	ends, out, end := f.col.Texts(v.n, size)
	for i := range ends {
		if c := v.at(i); c.n >= 0 {
			out = out[copy(out, v.bytes(c)):]
			end += int64(c.n)
		} else {
			f.col.NullAt(i)
		}
		ends[i] = end
	}
	return 0, nil
}

var takeLong = singly(putText)

// oddities counts values of a column that a snapshot cannot hold as they are.
type oddities struct {
	notFinite int64 // NaN, infinity, beyond float64: stored as NULL
	endless   int64 // infinite dates and dates beyond int64 microseconds: stored as NULL
	cut       int64 // texts longer than maxValue: their beginning is stored
}

// Days and microseconds from 1970-01-01 to the server's epoch, 2000-01-01.
const (
	epochDays   = 10957
	microPerDay = 86_400_000_000
	epochMicros = epochDays * microPerDay
)

func wrongLength(v []byte, want int) error {
	return fmt.Errorf("value of %d bytes, want %d", len(v), want)
}

func putBool(f *field, v []byte) error {
	if len(v) != 1 {
		return wrongLength(v, 1)
	}
	f.col.Bool(v[0] != 0)
	return nil
}

// float appends a finite number; others become NULL.
func (f *field) float(v float64) {
	if v-v != 0 { // NaN or infinite
		f.odd.notFinite++
		f.col.Null()
		return
	}
	f.col.Float(v)
}

// maxValue is the length in bytes at which texts are cut: one value of 1 GB would
// otherwise decide how much memory a read needs.
const maxValue = 1 << 20

// putText takes a text that may be too long.
func putText(f *field, v []byte) error {
	if len(v) > maxValue && !f.key {
		f.odd.cut++
		n := maxValue
		for n > maxValue-utf8.UTFMax && !utf8.RuneStart(v[n]) {
			n--
		}
		v = v[:n]
	}
	f.col.Text(v)
	return nil
}

// putBytes stores a binary key as hexadecimal digits.
func putBytes(f *field, v []byte) error {
	f.buf = hex.AppendEncode(f.buf[:0], v)
	f.col.Text(f.buf)
	return nil
}

// putPadded takes the padding off a char(n): the server ignores it in comparisons.
func putPadded(f *field, v []byte) error { return putText(f, bytes.TrimRight(v, " ")) }

func putUUID(f *field, v []byte) error {
	if len(v) != 16 {
		return wrongLength(v, 16)
	}
	var out [36]byte
	hex.Encode(out[0:8], v[0:4])
	hex.Encode(out[9:13], v[4:6])
	hex.Encode(out[14:18], v[6:8])
	hex.Encode(out[19:23], v[8:10])
	hex.Encode(out[24:36], v[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	f.col.Text(out[:])
	return nil
}

// putTimeOfDay stores seconds since midnight; 24:00 is 86400. A timetz carries its
// zone in 4 further bytes, which do not move the clock time.
func putTimeOfDay(f *field, v []byte) error {
	if len(v) != 8 && len(v) != 12 {
		return wrongLength(v, 8)
	}
	f.col.Float(float64(int64(binary.BigEndian.Uint64(v))) / 1e6)
	return nil
}
