package oip

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// datatype says how elements of one type are read: from a JSON scalar, and from bytes.
type datatype struct {
	size int // bytes of an element; 0 = a length of four bytes and then so many
	json func(raw json.RawMessage) bool
	read func(b []byte) json.RawMessage // nil where the bytes are no value
}

func whole(bits int, signed bool) datatype {
	return datatype{size: bits / 8,
		json: func(raw json.RawMessage) bool {
			var err error
			if signed {
				_, err = strconv.ParseInt(string(raw), 10, bits)
			} else {
				_, err = strconv.ParseUint(string(raw), 10, bits)
			}
			return err == nil
		},
		read: func(b []byte) json.RawMessage {
			var wide [8]byte
			copy(wide[:], b)
			v := binary.LittleEndian.Uint64(wide[:])
			if !signed {
				return strconv.AppendUint(nil, v, 10)
			}
			return strconv.AppendInt(nil, int64(v<<(64-bits))>>(64-bits), 10)
		}}
}

func floating(bits int) datatype {
	return datatype{size: bits / 8,
		json: func(raw json.RawMessage) bool {
			_, err := strconv.ParseFloat(string(raw), bits)
			return err == nil && raw[0] != '"'
		},
		read: func(b []byte) json.RawMessage {
			var v float64
			if bits == 32 {
				v = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
			} else {
				v = math.Float64frombits(binary.LittleEndian.Uint64(b))
			}
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil
			}
			return strconv.AppendFloat(nil, v, 'g', -1, bits)
		}}
}

// datatypes are those of the protocol. FP16 has no form in JSON that two programs read
// alike, and nothing here needs it.
var datatypes = map[string]datatype{
	"BOOL": {size: 1,
		json: func(raw json.RawMessage) bool { return raw[0] == 't' || raw[0] == 'f' },
		read: func(b []byte) json.RawMessage {
			if b[0] > 1 {
				return nil
			}
			return strconv.AppendBool(nil, b[0] == 1)
		}},
	"INT8": whole(8, true), "INT16": whole(16, true), "INT32": whole(32, true), "INT64": whole(64, true),
	"UINT8": whole(8, false), "UINT16": whole(16, false), "UINT32": whole(32, false), "UINT64": whole(64, false),
	"FP32": floating(32), "FP64": floating(64),
	"BYTES": {
		json: func(raw json.RawMessage) bool { return raw[0] == '"' },
		read: func(b []byte) json.RawMessage {
			if !utf8.Valid(b) {
				return nil
			}
			text, _ := json.Marshal(string(b)) // a string has a form
			return text
		}},
}

// tensor checks an input and reads its elements; rest is what other inputs have of tail.
func (w *wireTensor) tensor(tail []byte, most int) (t Tensor, rest []byte, err error) {
	t = Tensor{Name: w.Name, Datatype: w.Datatype, Shape: w.Shape}
	typ, ok := datatypes[w.Datatype]
	if w.Datatype == "FP16" || w.Datatype == "BF16" {
		return t, nil, unsupported("input %q: datatype %s is not offered, use FP32", w.Name, w.Datatype)
	}
	if !ok {
		return t, nil, wrong("input %q: unknown datatype %q", w.Name, clip([]byte(w.Datatype)))
	}
	count, err := w.count(most)
	if err != nil {
		return t, nil, err
	}
	p, err := parameters("input "+w.Name, w.Parameters)
	if err != nil {
		return t, nil, err
	}
	if _, ok := p["shared_memory_region"]; ok {
		return t, nil, unsupported("input %q: shared memory is not offered", w.Name)
	}
	size, isBinary := p["binary_data_size"]
	if !isBinary {
		t.Elements, err = w.fromJSON(typ, count)
		return t, tail, err
	}
	number, _ := size.(json.Number)
	n, bad := strconv.Atoi(number.String())
	if bad != nil || n < 0 || n > len(tail) || len(w.Data) > 0 {
		return t, nil, malformed("input %q: binary_data_size is %v, %d bytes are left, and data must be absent", w.Name, size, len(tail))
	}
	t.Elements, err = w.fromBytes(typ, count, tail[:n])
	return t, tail[n:], err
}

// count is the number of elements by the shape.
func (w *wireTensor) count(most int) (int, error) {
	n := int64(1)
	if len(w.Shape) == 0 {
		return 0, wrong("input %q has no shape", w.Name)
	}
	for _, d := range w.Shape {
		if d < 0 {
			return 0, wrong("input %q: shape %v has a negative dimension", w.Name, w.Shape)
		}
		if d > 0 && n > int64(most)/d {
			return 0, &Error{413, "input " + strconv.Quote(w.Name) + " has more than " + strconv.Itoa(most) + " elements; send it in several requests"}
		}
		n *= d
	}
	return int(n), nil
}

// fromJSON reads data that is flat, or nested as the shape says.
func (w *wireTensor) fromJSON(typ datatype, count int) ([]json.RawMessage, error) {
	var top []json.RawMessage
	if len(w.Data) == 0 || json.Unmarshal(w.Data, &top) != nil || top == nil {
		return nil, wrong("input %q: data is missing or no array", w.Name)
	}
	out := top
	if len(top) > 0 && top[0][0] == '[' {
		out = make([]json.RawMessage, 0, count)
		if err := w.nested(top, w.Shape, &out, count); err != nil {
			return nil, err
		}
	}
	if len(out) != count {
		return nil, wrong("input %q has %d elements, its shape %v says %d", w.Name, len(out), w.Shape, count)
	}
	for i, e := range out {
		if !typ.json(e) {
			return nil, wrong("input %q: element %d is %s, want %s", w.Name, i, clip(e), w.Datatype)
		}
	}
	return out, nil
}

// nested appends the elements of one level and those below it.
func (w *wireTensor) nested(level []json.RawMessage, shape []int64, out *[]json.RawMessage, count int) error {
	if len(shape) == 0 || int64(len(level)) != shape[0] || len(*out)+len(level) > count && len(shape) == 1 {
		return wrong("input %q: data is not nested as its shape %v says", w.Name, w.Shape)
	}
	if len(shape) == 1 {
		*out = append(*out, level...)
		return nil
	}
	for _, part := range level {
		var below []json.RawMessage
		if json.Unmarshal(part, &below) != nil || below == nil {
			return wrong("input %q: data is not nested as its shape %v says", w.Name, w.Shape)
		}
		if err := w.nested(below, shape[1:], out, count); err != nil {
			return err
		}
	}
	return nil
}

// fromBytes reads little-endian elements.
func (w *wireTensor) fromBytes(typ datatype, count int, b []byte) ([]json.RawMessage, error) {
	short := malformed("input %q: %d bytes are not the %d elements of its shape", w.Name, len(b), count)
	least := max(typ.size, 1)
	if typ.size == 0 {
		least = 4
	}
	if count > len(b)/least {
		return nil, short
	}
	out := make([]json.RawMessage, 0, count)
	for range count {
		size := typ.size
		if size == 0 {
			if len(b) < 4 {
				return nil, short
			}
			length := binary.LittleEndian.Uint32(b)
			b = b[4:]
			if uint64(length) > uint64(len(b)) {
				return nil, short
			}
			size = int(length)
		}
		if len(b) < size {
			return nil, short
		}
		e := typ.read(b[:size])
		if e == nil {
			return nil, wrong("input %q: element %d is no finite %s", w.Name, len(out), w.Datatype)
		}
		out, b = append(out, slices.Clip(e)), b[size:]
	}
	if len(b) > 0 {
		return nil, short
	}
	return out, nil
}
