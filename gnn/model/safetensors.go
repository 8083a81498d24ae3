package model

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// Limits of the reader: a model file from elsewhere must not make it allocate more
// than it can justify by its own size.
const (
	maxHeader = 16 << 20
	alignment = 8
)

// NamedMat is a matrix with its name in the file.
type NamedMat struct {
	Name string
	Mat  tensor.Mat
}

// tensorInfo is one entry of the header, as the format defines it.
type tensorInfo struct {
	DType   string
	Shape   []int
	Offsets [2]int64
}

// WriteSafetensors writes matrices and string metadata in the safetensors format:
// an 8-byte little-endian header length, the JSON header, then the values, float32
// little-endian, in the order given. Equal input gives equal bytes.
func WriteSafetensors(w io.Writer, mats []NamedMat, metadata map[string]string) error {
	var header bytes.Buffer
	header.WriteByte('{')
	meta, err := json.Marshal(metadata) // sorts its keys
	if err != nil {
		return fmt.Errorf("write model header: %w", err)
	}
	fmt.Fprintf(&header, `"__metadata__":%s`, meta)
	var at int64
	for _, m := range mats {
		name, _ := json.Marshal(m.Name)
		end := at + 4*int64(m.Mat.Rows)*int64(m.Mat.Cols)
		fmt.Fprintf(&header, `,%s:{"dtype":"F32","shape":[%d,%d],"data_offsets":[%d,%d]}`, name, m.Mat.Rows, m.Mat.Cols, at, end)
		at = end
	}
	header.WriteByte('}')
	for header.Len()%alignment != 0 {
		header.WriteByte(' ')
	}
	var size [8]byte
	binary.LittleEndian.PutUint64(size[:], uint64(header.Len()))
	if _, err := w.Write(append(size[:], header.Bytes()...)); err != nil {
		return fmt.Errorf("write model header: %w", err)
	}
	for _, m := range mats {
		buf := make([]byte, 4*len(m.Mat.Data))
		for i, v := range m.Mat.Data {
			binary.LittleEndian.PutUint32(buf[4*i:], math.Float32bits(float32(v)))
		}
		if _, err := w.Write(buf); err != nil {
			return fmt.Errorf("write tensor %q: %w", m.Name, err)
		}
	}
	return nil
}

// ReadSafetensors reads a whole file. It refuses a header that is too long, repeats a
// name, has an entry with other fields than the format's, names another dtype than F32, has a
// shape that does not match its offsets, or leaves holes, overlaps or trailing bytes, so that a file has exactly one reading.
func ReadSafetensors(data []byte) ([]NamedMat, map[string]string, error) {
	if len(data) < 8 {
		return nil, nil, fmt.Errorf("model file has %d bytes, want at least 8", len(data))
	}
	n := binary.LittleEndian.Uint64(data)
	if n > maxHeader || n > uint64(len(data)-8) {
		return nil, nil, fmt.Errorf("model header says %d bytes, but the file has %d and the limit is %d", n, len(data)-8, maxHeader)
	}
	infos, metadata, err := readHeader(data[8 : 8+n])
	if err != nil {
		return nil, nil, err
	}
	body := data[8+n:]
	var at int64
	mats := make([]NamedMat, 0, len(infos))
	for _, info := range infos {
		rows, cols, err := info.check(at, int64(len(body)))
		if err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", info.name, err)
		}
		m := tensor.NewMat(rows, cols)
		for i := range m.Data {
			m.Data[i] = tensor.Real(math.Float32frombits(binary.LittleEndian.Uint32(body[at+4*int64(i):])))
		}
		mats = append(mats, NamedMat{info.name, m})
		at = info.Offsets[1]
	}
	if at != int64(len(body)) {
		return nil, nil, fmt.Errorf("model file has %d bytes after its last tensor, want 0", int64(len(body))-at)
	}
	return mats, metadata, nil
}

type namedInfo struct {
	name string
	tensorInfo
}

// check returns the shape of a tensor that must begin at offset at of a body of size bytes.
func (t namedInfo) check(at, size int64) (rows, cols int, err error) {
	if t.DType != "F32" {
		return 0, 0, fmt.Errorf("dtype %q, want F32", t.DType)
	}
	if len(t.Shape) != 2 || t.Shape[0] < 0 || t.Shape[1] < 0 {
		return 0, 0, fmt.Errorf("shape %v, want two sizes of at least 0", t.Shape)
	}
	rows, cols = t.Shape[0], t.Shape[1]
	if cols != 0 && int64(rows) > size/4/int64(cols) {
		return 0, 0, fmt.Errorf("shape %v needs more than the file's %d bytes", t.Shape, size)
	}
	if t.Offsets[0] != at || t.Offsets[1] != at+4*int64(rows)*int64(cols) || t.Offsets[1] > size {
		return 0, 0, fmt.Errorf("offsets %v do not follow the tensor before it with shape %v in %d bytes", t.Offsets, t.Shape, size)
	}
	return rows, cols, nil
}

// decodeObject reads an object whose names are distinct.
func decodeObject(dec *json.Decoder) (map[string]json.RawMessage, error) {
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return nil, fmt.Errorf("it is no JSON object")
	}
	fields := map[string]json.RawMessage{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		name := tok.(string)
		if _, again := fields[name]; again {
			return nil, fmt.Errorf("it repeats %q", name)
		}
		fields[name] = value
	}
	_, err := dec.Token()
	return fields, err
}

// read takes over exactly the fields of an entry: no other name, no other spelling, and
// two offsets.
func (t *tensorInfo) read(fields map[string]json.RawMessage) error {
	var offsets []int64
	for name, to := range map[string]any{"dtype": &t.DType, "shape": &t.Shape, "data_offsets": &offsets} {
		raw, ok := fields[name]
		if !ok {
			return fmt.Errorf("it has no %s", name)
		}
		if err := json.Unmarshal(raw, to); err != nil {
			return err
		}
	}
	if len(fields) != 3 || len(offsets) != 2 {
		return fmt.Errorf("it has %d fields and %d offsets, want dtype, shape and data_offsets of two", len(fields), len(offsets))
	}
	t.Offsets = [2]int64(offsets)
	return nil
}

// readHeader parses the header token by token, because encoding/json would accept a
// repeated name and keep the last.
func readHeader(header []byte) ([]namedInfo, map[string]string, error) {
	if !utf8.Valid(header) {
		return nil, nil, fmt.Errorf("model header is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(header))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return nil, nil, fmt.Errorf("model header is no JSON object")
	}
	var infos []namedInfo
	metadata := map[string]string{}
	seen := map[string]bool{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, nil, fmt.Errorf("read model header: %w", err)
		}
		name := tok.(string)
		if seen[name] {
			return nil, nil, fmt.Errorf("model header repeats %q", name)
		}
		seen[name] = true
		fields, err := decodeObject(dec)
		if err != nil {
			return nil, nil, fmt.Errorf("read model header at %q: %w", name, err)
		}
		if name == "__metadata__" {
			for key, raw := range fields {
				var text *string
				if json.Unmarshal(raw, &text) != nil || text == nil {
					return nil, nil, fmt.Errorf("model metadata %q is no text", key)
				}
				metadata[key] = *text
			}
			continue
		}
		info := namedInfo{name: name}
		if err := info.read(fields); err != nil {
			return nil, nil, fmt.Errorf("read model header at tensor %q: %w", name, err)
		}
		infos = append(infos, info)
	}
	if _, err := dec.Token(); err != nil {
		return nil, nil, fmt.Errorf("read model header: %w", err)
	}
	if rest := bytes.TrimRight(header[dec.InputOffset():], " "); len(rest) > 0 {
		return nil, nil, fmt.Errorf("model header has %d bytes after its end", len(rest))
	}
	slices.SortStableFunc(infos, func(a, b namedInfo) int {
		return cmp.Or(cmp.Compare(a.Offsets[0], b.Offsets[0]), cmp.Compare(a.Offsets[1], b.Offsets[1]))
	})
	return infos, metadata, nil
}
