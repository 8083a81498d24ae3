package postgres

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// stream builds a binary COPY stream; nil is NULL.
func stream(rows ...[][]byte) []byte {
	b := append([]byte{}, signature...)
	b = append(b, make([]byte, 8)...)
	for _, r := range rows {
		b = binary.BigEndian.AppendUint16(b, uint16(len(r)))
		for _, v := range r {
			if v == nil {
				b = append(b, 0xff, 0xff, 0xff, 0xff)
				continue
			}
			b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
			b = append(b, v...)
		}
	}
	return append(b, 0xff, 0xff)
}

// newDecoder returns a decoder for columns of the given types of pg_catalog.
func newDecoder(types ...string) (*decoder, *schema.Schema, *ingest.Builder) {
	t := &schema.Table{Name: "t"}
	for i, typ := range types {
		t.Columns = append(t.Columns, schema.Column{Name: fmt.Sprintf("c%d", i), DBType: typ, Kind: builtin[typ].kind})
	}
	s := &schema.Schema{Tables: []*schema.Table{t}}
	b := ingest.NewBuilder(s)
	d := &decoder{rows: b.Tables[0], fields: make([]field, len(types))}
	for i, typ := range types {
		d.fields[i] = field{name: t.Columns[i].Name, col: &b.Tables[0].Columns[i], take: builtin[typ].take}
	}
	return d, s, b
}

func i32(v int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }
func i64(v int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) }

// A stream cut at any two places gives the same rows.
func TestDecoder_anyPieces(t *testing.T) {
	b := stream(
		[][]byte{i32(1), []byte("eins"), i64(0)},
		[][]byte{i32(2), nil, nil},
		[][]byte{i32(3), []byte(""), i64(-epochMicros)})
	want := ""
	for i := 0; i <= len(b); i++ {
		for j := i; j <= len(b); j += 3 {
			d, s, builder := newDecoder("int4", "text", "timestamp")
			for _, p := range [][]byte{b[:i], b[i:j], b[j:]} {
				if _, err := d.Write(append([]byte{}, p...)); err != nil {
					t.Fatalf("cut at %d and %d: %v", i, j, err)
				}
			}
			if err := d.close(); err != nil {
				t.Fatalf("cut at %d and %d: %v", i, j, err)
			}
			snap, err := builder.Finish(s, 0)
			if err != nil {
				t.Fatal(err)
			}
			if want == "" {
				want = snap.ID
				c := snap.Tables[0].Columns
				if c[0].Ints[2] != 3 || c[1].Text(0) != "eins" || !c[1].Null(1) || c[1].Null(2) || c[2].Ints[0] != epochMicros || c[2].Ints[2] != 0 {
					t.Fatalf("wrong values: %v %v", c[0].Ints, c[2].Ints)
				}
			}
			if snap.ID != want {
				t.Fatalf("cut at %d and %d: snapshot %s, want %s", i, j, snap.ID, want)
			}
		}
	}
}

func TestDecoder_errors(t *testing.T) {
	good := stream([][]byte{i32(1)})
	flags := append([]byte{}, good...)
	flags[12] = 1
	extension := append([]byte{}, good...)
	extension[15] = 0xff
	length := append([]byte{}, good...)
	length[21] = 0x80
	tests := []struct {
		name string
		in   []byte
		want string
	}{
		{"no stream", []byte("ERROR"), "begins with"},
		{"flags", flags, "flags"},
		{"extension", extension, "extension"},
		{"columns", stream([][]byte{i32(1), i32(2)}), "row 1 has 2 columns, want 1"},
		{"length of value", stream([][]byte{i64(1)}), `row 1, column "c0": value of 8 bytes, want 4`},
		{"negative length", length, "length -"},
		{"after the end", append(append([]byte{}, good...), 0), "after the end"},
		{"cut", good[:len(good)-2], "ended early"},
		{"cut in a row", good[:len(good)-4], "ended early"},
		{"empty", nil, "ended early"},
	}
	for _, tt := range tests {
		d, _, _ := newDecoder("int4")
		_, err := d.Write(tt.in)
		if err == nil {
			err = d.close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}

// Dates and times at the edges of what int64 microseconds hold.
func TestDecoder_edges(t *testing.T) {
	d, s, b := newDecoder("date", "timestamp", "float8", "numeric")
	f64 := func(v float64) []byte { return i64(int64(math.Float64bits(v))) }
	nan := []byte{0, 0, 0, 0, 0xC0, 0, 0, 0}
	rows := [][][]byte{
		{i32(math.MaxInt32), i64(math.MaxInt64), f64(math.NaN()), nan},
		{i32(math.MinInt32), i64(math.MinInt64), f64(math.Inf(-1)), nan},
		{i32(2145031948), i64(9223371331199999999), f64(math.MaxFloat64), nil}, // the server's latest date and timestamp
		{i32(-2451545), i64(-211813488000000000), f64(0), nil},                 // and its earliest
		{i32(-epochDays), i64(-epochMicros), f64(1), nil},
	}
	if _, err := d.Write(stream(rows...)); err != nil {
		t.Fatal(err)
	}
	snap, err := b.Finish(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	// Canonical order is by the date, NULLs last.
	c := snap.Tables[0].Columns
	if got, want := c[0].Ints[0], int64(-210866803200000000); got != want {
		t.Errorf("4714-11-24 BC is %d, want %d", got, want)
	}
	if c[0].Ints[1] != 0 || c[1].Ints[1] != 0 {
		t.Errorf("1970-01-01 is %d and %d, want 0", c[0].Ints[1], c[1].Ints[1])
	}
	for col, nulls := range map[int]int{0: 3, 1: 3, 2: 2, 3: 5} {
		n := 0
		for r := range 5 {
			if c[col].Null(r) {
				n++
			}
		}
		if n != nulls {
			t.Errorf("column %d has %d NULLs, want %d", col, n, nulls)
		}
	}
	if o := d.fields[0].odd.endless; o != 3 {
		t.Errorf("%d dates counted as endless, want 3", o)
	}
	if o := d.fields[3].odd.notFinite; o != 2 {
		t.Errorf("%d numerics counted as not finite, want 2", o)
	}
}

// numericBytes encodes a decimal number as the server does.
func numericBytes(t testing.TB, text string) []byte {
	t.Helper()
	sign := uint16(0)
	if strings.HasPrefix(text, "-") {
		sign, text = numericNegative, text[1:]
	}
	whole, frac, _ := strings.Cut(text, ".")
	for len(whole)%4 != 0 {
		whole = "0" + whole
	}
	scale := len(frac)
	for len(frac)%4 != 0 {
		frac += "0"
	}
	digits := whole + frac
	weight := len(whole)/4 - 1
	var groups []uint16
	for i := 0; i < len(digits); i += 4 {
		g, err := strconv.Atoi(digits[i : i+4])
		if err != nil {
			t.Fatal(err)
		}
		groups = append(groups, uint16(g))
	}
	for len(groups) > 0 && groups[0] == 0 {
		groups = groups[1:]
		weight--
	}
	for len(groups) > 0 && groups[len(groups)-1] == 0 {
		groups = groups[:len(groups)-1]
	}
	if len(groups) == 0 {
		weight = 0
	}
	b := binary.BigEndian.AppendUint16(nil, uint16(len(groups)))
	b = binary.BigEndian.AppendUint16(b, uint16(int16(weight)))
	b = binary.BigEndian.AppendUint16(b, sign)
	b = binary.BigEndian.AppendUint16(b, uint16(scale))
	for _, g := range groups {
		b = binary.BigEndian.AppendUint16(b, g)
	}
	return b
}

// The nearest float64 of any decimal number is what the standard library says.
func TestNumeric_nearest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	texts := []string{"0", "0.1", "-0.3", "12.34", "9007199254740993", "9007199254740992.5", "0.000000000000000000000000000001",
		"123456789012345678901234567890", strings.Repeat("9", 400), "0." + strings.Repeat("0", 400) + "1", "1" + strings.Repeat("0", 308), "0.00005", "10000", "100000000"}
	for range 3000 {
		var b strings.Builder
		if r.IntN(2) == 0 {
			b.WriteByte('-')
		}
		for range 1 + r.IntN(25) {
			b.WriteByte(byte('0' + r.IntN(10)))
		}
		b.WriteByte('.')
		for range 1 + r.IntN(20) {
			b.WriteByte(byte('0' + r.IntN(10)))
		}
		texts = append(texts, b.String())
	}
	var buf []byte
	for _, text := range texts {
		want, _ := strconv.ParseFloat(text, 64)
		d, finite, err := parseNumeric(numericBytes(t, text))
		if err != nil || !finite {
			t.Fatalf("%s: %v", text, err)
		}
		var got float64
		if got, buf = d.float(buf); got != want {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
	}
}

func TestNumericKey(t *testing.T) {
	limited := []struct {
		text string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"-1", -1, true}, {"10000", 10000, true}, {"999999999999999999", 999999999999999999, true},
		{"-120000000000000000", -120000000000000000, true}, {"1.5", 0, false}, {"100000000000000000000", 0, false},
	}
	for _, tt := range limited {
		d, _, _ := newDecoder("int8")
		err := putNumericInt(&d.fields[0], numericBytes(t, tt.text))
		if (err == nil) != tt.ok {
			t.Errorf("key %s: error %v, want ok %v", tt.text, err, tt.ok)
		}
	}
	free := map[string]bool{"123456789012345": true, "1234567890123450000": true, "1234567890123456": false, "0.1": true, "-7": true, strings.Repeat("9", 40): false}
	for text, ok := range free {
		d, _, _ := newDecoder("float8")
		if err := putNumericKey(&d.fields[0], numericBytes(t, text)); (err == nil) != ok {
			t.Errorf("unlimited key %s: error %v, want ok %v", text, err, ok)
		}
	}
}

func FuzzNumeric(f *testing.F) {
	f.Add(numericBytes(f, "12.34"))
	f.Add(numericBytes(f, "-0.00000000001"))
	f.Add([]byte{0, 1, 0x7f, 0xff, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, v []byte) {
		d, finite, err := parseNumeric(v)
		if err != nil || !finite || d.weight > 300 || d.weight < -300 || len(d.groups) > 400 {
			return
		}
		exact := new(big.Float).SetPrec(8000)
		for i := 0; i < len(d.groups); i += 2 {
			exact.Mul(exact, big.NewFloat(10000))
			exact.Add(exact, big.NewFloat(float64(binary.BigEndian.Uint16(d.groups[i:]))))
		}
		scale := 4 * (d.weight - len(d.groups)/2 + 1)
		ten := new(big.Float).SetPrec(8000).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(scale, -scale))), nil))
		if scale < 0 {
			exact.Quo(exact, ten)
		} else {
			exact.Mul(exact, ten)
		}
		want, _ := exact.Float64()
		got, _ := d.float(nil)
		if d.neg {
			want = -want
		}
		if got != want {
			t.Errorf("%x is %v, want %v", v, got, want)
		}
	})
}

// Whatever bytes come, the decoder neither panics nor leaves a row half appended.
func FuzzDecoder(f *testing.F) {
	types := []string{"bool", "int2", "int4", "int8", "oid", "float4", "float8", "numeric", "text", "bpchar", "uuid", "date", "timestamptz", "time", "timetz"}
	full := [][]byte{{1}, {0, 1}, i32(1), i64(1), i32(1), i32(0x3f800000), i64(0), numericBytes(f, "1.5"), []byte("x"), []byte("x  "),
		make([]byte, 16), i32(1), i64(1), i64(1), append(i64(1), 0, 0, 0, 0)}
	f.Add(stream(full, make([][]byte, len(types)), full), uint16(30))
	f.Add(stream(), uint16(3))
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		d, s, builder := newDecoder(types...)
		at := min(int(cut), len(b))
		for _, p := range [][]byte{b[:at], b[at:]} {
			if _, err := d.Write(p); err != nil {
				return
			}
		}
		if _, err := builder.Finish(s, 0); err != nil {
			t.Errorf("rows of unequal length: %v", err)
		}
	})
}

func BenchmarkDecoder(b *testing.B) {
	row := [][]byte{i32(1), i64(2), []byte("some text"), i64(0), numericBytes(b, "12.34")}
	rows := make([][][]byte, 1000)
	for i := range rows {
		rows[i] = row
	}
	in := stream(rows...)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		d, _, _ := newDecoder("int4", "int8", "text", "timestamp", "numeric")
		if _, err := d.Write(in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "rows/s")
}
