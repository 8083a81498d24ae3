package model

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
)

func file(header string, body int) []byte {
	var b bytes.Buffer
	binary.Write(&b, binary.LittleEndian, uint64(len(header)))
	b.WriteString(header)
	b.Write(make([]byte, body))
	return b.Bytes()
}

func TestSafetensors_roundTrip(t *testing.T) {
	m := tensor.NewMat(2, 3)
	for i := range m.Data {
		m.Data[i] = tensor.Real(i) / 4
	}
	in := []NamedMat{{"a \"quoted\"", m}, {"empty", tensor.NewMat(0, 4)}, {"b", tensor.NewMat(1, 1)}}
	var buf bytes.Buffer
	if err := WriteSafetensors(&buf, in, map[string]string{"config": `{"x":1}`}); err != nil {
		t.Fatal(err)
	}
	out, meta, err := ReadSafetensors(buf.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if meta["config"] != `{"x":1}` || len(out) != 3 || out[0].Name != in[0].Name {
		t.Fatalf("read %v, %v", out, meta)
	}
	for i, v := range out[0].Mat.Data {
		if v != m.Data[i] {
			t.Fatalf("value %d is %v, want %v", i, v, m.Data[i])
		}
	}
}

func TestReadSafetensors_refuses(t *testing.T) {
	for _, c := range []struct {
		name, header, want string
		body               int
	}{
		{"hole", `{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]}}`, "do not follow", 8},
		{"overlap", `{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}`, "do not follow", 4},
		{"trailing", `{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}`, "after its last tensor", 8},
		{"repeated", `{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]}}`, "repeats", 8},
		{"dtype", `{"a":{"dtype":"F16","shape":[1,1],"data_offsets":[0,2]}}`, "want F32", 2},
		{"overflow", `{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}`, "more than the file", 0},
		{"negative", `{"a":{"dtype":"F32","shape":[-1,4],"data_offsets":[0,0]}}`, "at least 0", 0},
		{"no object", `[]`, "no JSON object", 0},
		{"hole before the end", `{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]}}`, "do not follow", 12},
		{"partial overlap", `{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]}}`, "do not follow", 12},
		{"backwards", `{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[4,0]}}`, "do not follow", 4},
		{"offset below 0", `{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[-4,0]}}`, "do not follow", 4},
		{"offset beyond the end", `{"a":{"dtype":"F32","shape":[0,1],"data_offsets":[9223372036854775807,9223372036854775807]}}`, "do not follow", 0},
		{"sum overflows", `{"a":{"dtype":"F32","shape":[2305843009213693953,8],"data_offsets":[0,32]}}`, "more than the file", 32},
		{"no whole number", `{"a":{"dtype":"F32","shape":[1.5,1],"data_offsets":[0,4]}}`, "cannot unmarshal", 4},
		{"beyond 64 bits", `{"a":{"dtype":"F32","shape":[18446744073709551617,1],"data_offsets":[0,4]}}`, "cannot unmarshal", 4},
		{"three sizes", `{"a":{"dtype":"F32","shape":[1,1,1],"data_offsets":[0,4]}}`, "two sizes", 4},
		{"dtype twice", `{"a":{"dtype":"F16","dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}`, "repeats", 4},
		{"dtype by another spelling", `{"a":{"DType":"F32","shape":[1,1],"data_offsets":[0,4]}}`, "no dtype", 4},
		{"a field more", `{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4],"path":"/etc/passwd"}}`, "4 fields", 4},
		{"three offsets", `{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4,8]}}`, "3 offsets", 4},
		{"metadata twice", `{"__metadata__":{},"__metadata__":{}}`, "repeats", 0},
		{"metadata key twice", `{"__metadata__":{"config":"a","config":"b"}}`, "repeats", 0},
		{"metadata of no text", `{"__metadata__":{"config":{"x":1}}}`, "no text", 0},
		{"no UTF-8", "{\"\xff\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]}}", "UTF-8", 4},
		{"two documents", `{}{}`, "after its end", 0},
		{"deep", strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000), "", 0},
	} {
		_, _, err := ReadSafetensors(file(c.header, c.body))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	claims := file(`{"a":{"dtype":"F32","shape":[9223372036854775807,1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1099511627776,0],"data_offsets":[4,4]}}`, 4)
	allocated := allocatedBy(func() { _, _, _ = ReadSafetensors(claims) })
	if allocated > 64<<10 {
		t.Errorf("a file of 200 bytes that claims exabytes makes the reader allocate %d", allocated)
	}
	if _, _, err := ReadSafetensors([]byte{255, 255, 255, 255, 255, 255, 255, 127, 0}); err == nil {
		t.Error("a header longer than the file was accepted")
	}
}

// allocatedBy returns the bytes that f allocates, freed ones too.
func allocatedBy(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// FuzzReadSafetensors looks for a file that panics, that is read and cannot be written and
// read again, or that allocates far more than it holds.
func FuzzReadSafetensors(f *testing.F) {
	f.Add(file(`{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}`, 4))
	f.Add(file(`{"__metadata__":{"config":"{}"},"a":{"dtype":"F32","shape":[1099511627776,0],"data_offsets":[0,0]}}`, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		var mats []NamedMat
		var meta map[string]string
		var err error
		if n := allocatedBy(func() { mats, meta, err = ReadSafetensors(data) }); n > 1<<20+uint64(200*len(data)) {
			t.Fatalf("%d bytes make the reader allocate %d", len(data), n)
		}
		if err != nil {
			return
		}
		var buf bytes.Buffer
		if err := WriteSafetensors(&buf, mats, meta); err != nil {
			t.Fatal(err)
		}
		if _, _, err := ReadSafetensors(buf.Bytes()); err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
	})
}
