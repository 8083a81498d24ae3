package model

import (
	"bytes"
	"encoding/binary"
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
	} {
		_, _, err := ReadSafetensors(file(c.header, c.body))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	if _, _, err := ReadSafetensors([]byte{255, 255, 255, 255, 255, 255, 255, 127, 0}); err == nil {
		t.Error("a header longer than the file was accepted")
	}
}

func FuzzReadSafetensors(f *testing.F) {
	f.Add(file(`{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}`, 4))
	f.Fuzz(func(t *testing.T, data []byte) {
		mats, meta, err := ReadSafetensors(data)
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
