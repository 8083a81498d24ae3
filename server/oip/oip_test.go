package oip_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/rowlink/rowlink/server/oip"
)

// Every datatype is read exactly, from JSON and from bytes, and its limits are kept.
func TestParse_datatypes(t *testing.T) {
	le := binary.LittleEndian
	for _, c := range []struct {
		datatype, json string // one element; "" = not allowed in JSON
		bytes          []byte
		want           string // "" = refused
	}{
		{"BOOL", "true", []byte{1}, "true"},
		{"BOOL", "1", []byte{2}, ""},
		{"INT8", "-128", []byte{0x80}, "-128"},
		{"INT8", "-129", []byte{0x80, 0}, ""},
		{"UINT8", "255", []byte{255}, "255"},
		{"UINT8", "-1", nil, ""},
		{"INT16", "-32768", []byte{0, 0x80}, "-32768"},
		{"UINT16", "65535", []byte{255, 255}, "65535"},
		{"INT32", "-2147483648", []byte{0, 0, 0, 0x80}, "-2147483648"},
		{"UINT32", "4294967295", []byte{255, 255, 255, 255}, "4294967295"},
		{"INT64", "9007199254740993", le.AppendUint64(nil, 9007199254740993), "9007199254740993"},
		{"INT64", "-9223372036854775808", le.AppendUint64(nil, 1<<63), "-9223372036854775808"},
		{"INT64", "1.0", []byte{1}, ""},
		{"UINT64", "18446744073709551615", le.AppendUint64(nil, math.MaxUint64), "18446744073709551615"},
		{"UINT64", "18446744073709551616", le.AppendUint64(nil, 0)[:7], ""},
		{"FP32", "0.1", le.AppendUint32(nil, math.Float32bits(0.1)), "0.1"},
		{"FP32", "1e39", le.AppendUint32(nil, math.Float32bits(float32(math.Inf(1)))), ""},
		{"FP64", "-0.1", le.AppendUint64(nil, math.Float64bits(-0.1)), "-0.1"},
		{"FP64", `"NaN"`, le.AppendUint64(nil, math.Float64bits(math.NaN())), ""},
		{"BYTES", `"é"`, append(le.AppendUint32(nil, 2), "é"...), `"é"`},
		{"BYTES", "7", append(le.AppendUint32(nil, 1), 0xff), ""},
		{"BYTES", "null", le.AppendUint32(nil, math.MaxUint32), ""},
	} {
		text := fmt.Sprintf(`{"inputs":[{"name":"x","shape":[1],"datatype":%q,"data":[%s]}]}`, c.datatype, c.json)
		tail := fmt.Sprintf(`{"inputs":[{"name":"x","shape":[1],"datatype":%q,"parameters":{"binary_data_size":%d}}]}`, c.datatype, len(c.bytes))
		for form, parse := range map[string]func() (*oip.Request, error){
			"JSON":   func() (*oip.Request, error) { return oip.Parse([]byte(text), nil, 4) },
			"binary": func() (*oip.Request, error) { return oip.Parse([]byte(tail), c.bytes, 4) },
		} {
			r, err := parse()
			got := ""
			if err == nil {
				got = string(r.Inputs[0].Elements[0])
			} else if refused := (*oip.Error)(nil); !errors.As(err, &refused) || refused.Status < 400 || refused.Status >= 500 {
				t.Errorf("%s %s %s: error %v is no refusal", c.datatype, c.json, form, err)
			}
			if got != c.want {
				t.Errorf("%s %s %x as %s: %s, %v, want %q", c.datatype, c.json, c.bytes, form, got, err, c.want)
			}
		}
	}
}

// A shape says how many elements are allocated: no more than the limit, whatever it says,
// and no more than there are bytes for.
func TestParse_hugeShapes(t *testing.T) {
	for _, shape := range []string{"[4294967296,4294967296]", "[9223372036854775807]", "[0,9223372036854775807]", "[5]"} {
		text := fmt.Sprintf(`{"inputs":[{"name":"x","shape":%s,"datatype":"BYTES","parameters":{"binary_data_size":4}}]}`, shape)
		allocated := testing.AllocsPerRun(1, func() {
			if r, err := oip.Parse([]byte(text), make([]byte, 4), 4); err == nil {
				t.Errorf("shape %s is read as %v", shape, r.Inputs)
			}
		})
		if allocated > 200 {
			t.Errorf("shape %s: %v allocations", shape, allocated)
		}
	}
}

// Binary outputs stand behind the JSON, whose length the header tells, and read back as
// the inputs that they could be.
func TestAnswer_binary(t *testing.T) {
	a := oip.Answer{Model: "churn", ID: "7", Outputs: []oip.Result{
		{Name: "a", Shape: []int64{2}, Datatype: "BOOL", Data: []bool{true, false}, Binary: true},
		{Name: "b", Shape: []int64{1}, Datatype: "FP64", Data: []float64{0.1}},
		{Name: "c", Shape: []int64{2}, Datatype: "FP64", Data: []float64{-1.5, math.MaxFloat64}, Binary: true},
		{Name: "d", Shape: []int64{2}, Datatype: "BYTES", Data: []string{"", "é"}, Binary: true},
		{Name: "e", Shape: []int64{1}, Datatype: "INT64", Data: []int64{math.MinInt64}, Binary: true},
	}}
	w := httptest.NewRecorder()
	if err := a.Write(w); err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(w.Header().Get(oip.LengthHeader))
	if err != nil || w.Header().Get("Content-Type") != "application/octet-stream" {
		t.Fatalf("header %v", w.Header())
	}
	text, tail := w.Body.Bytes()[:n], w.Body.Bytes()[n:]
	var out map[string]json.RawMessage
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	back, err := oip.Parse([]byte(`{"inputs":`+string(out["outputs"])+`}`), tail, 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, in := range back.Inputs {
		got = append(got, string(bytes.Join(func() (parts [][]byte) {
			for _, e := range in.Elements {
				parts = append(parts, e)
			}
			return parts
		}(), []byte(" "))))
	}
	want := []string{"true false", "0.1", "-1.5 1.7976931348623157e+308", `"" "é"`, "-9223372036854775808"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("read back %v, want %v", got, want)
	}
}

// FuzzParse looks for a request that panics, allocates without bound, or passes with another
// number of elements than its shape says.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"id":"1","inputs":[{"name":"entity","shape":[2],"datatype":"INT64","data":[[1],[2]]}],"outputs":[{"name":"x","parameters":{"binary_data":true}}]}`), []byte{})
	f.Add([]byte(`{"inputs":[{"name":"x","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":10}}]}`), []byte("\x01\x00\x00\x00a\x01\x00\x00\x00b"))
	f.Add([]byte(`{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}]}`), make([]byte, 8))
	f.Fuzz(func(t *testing.T, text, tail []byte) {
		if !json.Valid(text) {
			return
		}
		r, err := oip.Parse(text, tail, 100)
		if err != nil {
			if refused := (*oip.Error)(nil); !errors.As(err, &refused) {
				t.Fatalf("error %v is no refusal", err)
			}
			return
		}
		for _, in := range r.Inputs {
			n := int64(1)
			for _, d := range in.Shape {
				n *= d
			}
			if int64(len(in.Elements)) != n || n > 100 {
				t.Fatalf("input %q of shape %v has %d elements", in.Name, in.Shape, len(in.Elements))
			}
			for _, e := range in.Elements {
				if !json.Valid(e) {
					t.Fatalf("element %q is no JSON", e)
				}
			}
		}
	})
}
