package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unsafe"
)

// decimal is a value of type numeric in the server's binary format:
// sign * sum over i of group(i) * 10000^(weight-i).
type decimal struct {
	groups []byte // two bytes each, 0..9999
	weight int
	neg    bool
}

// Sign words of the binary format.
const (
	numericNegative = 0x4000
	numericNaN      = 0xC000
	numericInf      = 0xD000
	numericNegInf   = 0xF000
)

// pow10 holds the powers of ten that float64 holds exactly.
var pow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// parseNumeric splits a value; finite is false for NaN and the infinities.
func parseNumeric(v []byte) (d decimal, finite bool, err error) {
	if len(v) < 8 {
		return d, false, fmt.Errorf("numeric value of %d bytes, want at least 8", len(v))
	}
	n := int(binary.BigEndian.Uint16(v))
	if len(v) != 8+2*n {
		return d, false, fmt.Errorf("numeric value of %d bytes, want %d for %d groups", len(v), 8+2*n, n)
	}
	d = decimal{groups: v[8:], weight: int(int16(binary.BigEndian.Uint16(v[2:])))}
	switch sign := binary.BigEndian.Uint16(v[4:]); sign {
	case 0:
	case numericNegative:
		d.neg = true
	case numericNaN, numericInf, numericNegInf:
		return d, false, nil
	default:
		return d, false, fmt.Errorf("numeric value with sign %#x", sign)
	}
	for i := 0; i < len(d.groups); i += 2 {
		if g := binary.BigEndian.Uint16(d.groups[i:]); g > 9999 {
			return d, false, fmt.Errorf("numeric value with group %d, want at most 9999", g)
		}
	}
	return d, true, nil
}

// mantissa returns the number as m * 10^exp, without sign; ok is false where m does
// not fit 63 bits.
func (d decimal) mantissa() (m int64, exp int, ok bool) {
	for i := 0; i < len(d.groups); i += 2 {
		if m > (math.MaxInt64-9999)/10000 {
			return 0, 0, false
		}
		m = m*10000 + int64(binary.BigEndian.Uint16(d.groups[i:]))
	}
	return m, 4 * (d.weight - len(d.groups)/2 + 1), true
}

// float returns the nearest float64; buf is scratch that may grow. Numbers beyond
// float64 give an infinity.
func (d decimal) float(buf []byte) (float64, []byte) {
	// Clinger's fast path: both parts exact, so one operation rounds once.
	if m, exp, ok := d.mantissa(); ok && m < 1<<53 && exp >= -22 && exp <= 22 {
		v := float64(m)
		if exp < 0 {
			v /= pow10[-exp]
		} else {
			v *= pow10[exp]
		}
		if d.neg {
			v = -v
		}
		return v, buf
	}
	buf = buf[:0]
	if d.neg {
		buf = append(buf, '-')
	}
	for i := 0; i < len(d.groups); i += 2 {
		g := binary.BigEndian.Uint16(d.groups[i:])
		buf = append(buf, '0'+byte(g/1000), '0'+byte(g/100%10), '0'+byte(g/10%10), '0'+byte(g%10))
	}
	buf = append(buf, 'e')
	buf = strconv.AppendInt(buf, int64(4*(d.weight-len(d.groups)/2+1)), 10)
	// Out of range is an infinity, which the caller counts; other errors cannot
	// come from the digits written above.
	v, _ := strconv.ParseFloat(unsafe.String(&buf[0], len(buf)), 64)
	return v, buf
}

func putNumeric(f *field, v []byte) error {
	d, finite, err := parseNumeric(v)
	if err != nil {
		return err
	}
	x := math.NaN()
	if finite {
		x, f.buf = d.float(f.buf)
	}
	f.float(x)
	return nil
}

// putNumericInt reads a key declared numeric(p, 0) with p up to 18.
func putNumericInt(f *field, v []byte) error {
	d, finite, err := parseNumeric(v)
	if err != nil {
		return err
	}
	m, exp, ok := d.mantissa()
	for ; ok && exp > 0; exp-- {
		if ok = m <= math.MaxInt64/10; ok {
			m *= 10
		}
	}
	for ; ok && exp < 0 && m != 0; exp++ {
		ok = m%10 == 0
		m /= 10
	}
	if !finite || !ok {
		return errors.New("key of type numeric is not a whole number of at most 18 digits")
	}
	if d.neg {
		m = -m
	}
	f.col.Int(m)
	return nil
}

// putNumericKey reads a key declared numeric without limits. Digits that float64
// would lose could make two keys one, so such a key is refused.
func putNumericKey(f *field, v []byte) error {
	d, finite, err := parseNumeric(v)
	if err != nil {
		return err
	}
	m, exp, ok := d.mantissa()
	for ok && m != 0 && m%10 == 0 {
		m, exp = m/10, exp+1
	}
	// 15 decimal digits survive the way to float64 and back.
	if !finite || !ok || m >= 1e15 || exp < -290 || exp > 290 {
		return errors.New("key of type numeric has more than 15 significant digits, which float64 cannot tell apart; declare the column numeric(18,0) or bigint")
	}
	var x float64
	x, f.buf = d.float(f.buf)
	f.float(x)
	return nil
}
