package beam

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"

	"github.com/rowlink/rowlink/beam/piece"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// Made is a column that a pass over other pieces gives to the rows of a table: what a piece
// by entity cannot see. It travels with the rows, behind the columns of the table.
type Made struct {
	Table int    `json:"table"`
	Name  string `json:"name"`
}

// widened is the schema of the rows as they travel.
func (s *Spec) widened() *schema.Schema {
	out := s.Schema.Clone()
	for _, m := range s.Made {
		t := out.Tables[m.Table]
		t.Columns = append(t.Columns, schema.Column{Name: m.Name, Kind: schema.Text, Sem: schema.SemID})
	}
	return out
}

// narrowed takes the columns that were made out of the tables of a piece.
func narrowed(snap *ingest.Snapshot, sc *schema.Schema) [][]ingest.Column {
	made := make([][]ingest.Column, len(snap.Tables))
	for i, t := range snap.Tables {
		n := len(sc.Tables[i].Columns)
		t.Def, t.Columns, made[i] = sc.Tables[i], t.Columns[:n:n], t.Columns[n:]
	}
	snap.Schema = sc
	return made
}

// take reads what was made for the rows of a split.
func (r *reader) take(made func(*[]byte) bool) error {
	place := make([]int, len(r.names())) // among the columns that are made of its table
	for i := range place {
		place[i] = -1
	}
	for _, m := range r.Made {
		if m.Table == r.split.Table {
			if i := r.number(m.Table, m.Name); i >= 0 {
				place[i] = len(r.made)
			}
			r.made = append(r.made, make([][]byte, r.split.To-r.split.From))
		}
	}
	var block []byte
	for made(&block) {
		b := piece.NewReader(block)
		at := place[b.Uint()]
		for b.More() {
			id := int64(b.Uint())
			if text := b.Bytes(); at >= 0 && b.Err() == nil {
				r.made[at][id-r.split.From] = append(r.made[at][id-r.split.From], text...)
			}
		}
		if b.Err() != nil {
			return b.Err()
		}
	}
	return nil
}

// more is what was made for a row.
func (r *reader) more(id uint64) (out [][]byte) {
	at := 0
	for _, m := range r.Made {
		switch {
		case m.Table != r.split.Table:
			continue
		case m.Name == numberName:
			out = append(out, encoded(binary.AppendUvarint(nil, id)))
		default:
			out = append(out, encoded(r.made[at][int64(id)-r.split.From]))
		}
		at++
	}
	return out
}

// appendMade appends what is made for a row: numbers of 4 bytes.
func appendMade(b []byte, id uint64, values []float32) []byte {
	b = binary.AppendUvarint(b, id)
	b = binary.AppendUvarint(b, uint64(4*len(values)))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// appendMadeAt is [appendMade] for one of several rows below a row, told apart by their times.
func appendMadeAt(b []byte, id uint64, at int64, values []float32) []byte {
	b = binary.AppendUvarint(b, id)
	b = binary.AppendUvarint(b, uint64(8+4*len(values)))
	b = binary.LittleEndian.AppendUint64(b, uint64(at))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// encoded makes text of bytes: columns of text hold valid text only.
func encoded(b []byte) []byte {
	if b == nil {
		return nil
	}
	return base64.RawStdEncoding.AppendEncode(nil, b)
}

// decoded reads what was made for a row; nil where there is nothing.
func decoded(c *ingest.Column, row int) []byte {
	if c.Null(row) {
		return nil
	}
	b, err := base64.RawStdEncoding.AppendDecode(nil, c.Bytes[c.Offsets[row]:c.Offsets[row+1]])
	if err != nil {
		return nil
	}
	return b
}

// numbers reads the numbers that were made for a row into out; ok is false where there are none.
func numbers(c *ingest.Column, row int, out []float32) (ok bool) {
	b := decoded(c, row)
	if len(b) != 4*len(out) || len(b) == 0 {
		return false
	}
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return true
}

// column is where a column that was made lies among those of its table; -1 = it was not.
func (s *Spec) column(table int, name string) int {
	at := 0
	for _, m := range s.Made {
		if m.Table == table {
			if m.Name == name {
				return at
			}
			at++
		}
	}
	return -1
}

// number is the place of a column among those of all steps of the job.
func (s *Spec) number(table int, name string) int { return slices.Index(s.names(), Made{table, name}) }

// names are the columns that any step of the job makes.
func (s *Spec) names() []Made {
	if s.All != nil {
		return s.All
	}
	return s.Made
}
