package postgres

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"unicode/utf8"
)

// putFunc appends one value, given in the server's binary format, to its column.
type putFunc func(f *field, v []byte) error

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

func putInt2(f *field, v []byte) error {
	if len(v) != 2 {
		return wrongLength(v, 2)
	}
	f.col.Int(int64(int16(binary.BigEndian.Uint16(v))))
	return nil
}

func putInt4(f *field, v []byte) error {
	if len(v) != 4 {
		return wrongLength(v, 4)
	}
	f.col.Int(int64(int32(binary.BigEndian.Uint32(v))))
	return nil
}

func putInt8(f *field, v []byte) error {
	if len(v) != 8 {
		return wrongLength(v, 8)
	}
	f.col.Int(int64(binary.BigEndian.Uint64(v)))
	return nil
}

func putOID(f *field, v []byte) error {
	if len(v) != 4 {
		return wrongLength(v, 4)
	}
	f.col.Int(int64(binary.BigEndian.Uint32(v)))
	return nil
}

func putFloat4(f *field, v []byte) error {
	if len(v) != 4 {
		return wrongLength(v, 4)
	}
	f.float(float64(math.Float32frombits(binary.BigEndian.Uint32(v))))
	return nil
}

func putFloat8(f *field, v []byte) error {
	if len(v) != 8 {
		return wrongLength(v, 8)
	}
	f.float(math.Float64frombits(binary.BigEndian.Uint64(v)))
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

// putText takes the bytes as they are: the snapshot repairs invalid UTF-8 and counts it.
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

func putDate(f *field, v []byte) error {
	if len(v) != 4 {
		return wrongLength(v, 4)
	}
	days := int64(int32(binary.BigEndian.Uint32(v))) + epochDays
	const most = math.MaxInt64 / microPerDay
	if days <= -most || days >= most { // infinity is the largest and smallest int32
		f.odd.endless++
		f.col.Null()
		return nil
	}
	f.col.Int(days * microPerDay)
	return nil
}

func putTimestamp(f *field, v []byte) error {
	if len(v) != 8 {
		return wrongLength(v, 8)
	}
	t := int64(binary.BigEndian.Uint64(v))
	if t == math.MinInt64 || t >= math.MaxInt64-epochMicros { // infinity is the largest and smallest int64
		f.odd.endless++
		f.col.Null()
		return nil
	}
	f.col.Int(t + epochMicros)
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
