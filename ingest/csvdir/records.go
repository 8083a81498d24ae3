package csvdir

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// records reads the records of a CSV file one after the other. It differs from
// encoding/csv in that it tells "" from nothing, which are an empty text and NULL.
type records struct {
	in    *bufio.Reader
	lines int // lines read so far
	first int // line where the last record began

	line   []byte // of the last record, as read
	data   []byte // fields of the last record, one behind the other
	ends   []int  // where each field ends in data
	quoted []bool // whether a field had quotes
}

func newRecords(in io.Reader) *records {
	r := &records{in: bufio.NewReaderSize(in, 1<<18)}
	if mark, _ := r.in.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = r.in.Discard(3) // was peeked
	}
	return r
}

// next reads a record; false at the end of the file.
func (r *records) next() (bool, error) {
	r.line = r.line[:0]
	if more, err := r.addLine(); !more || err != nil {
		return false, err
	}
	r.first = r.lines
	r.data, r.ends, r.quoted = r.data[:0], r.ends[:0], r.quoted[:0]
	if bytes.IndexByte(r.line, '"') >= 0 {
		return true, r.unquote()
	}
	for rest := trimEnd(r.line); ; {
		field, more, found := bytes.Cut(rest, []byte{','})
		r.data = append(r.data, field...)
		r.end(false)
		if !found {
			return true, nil
		}
		rest = more
	}
}

// unquote parts a line with quotes, and the lines that a quoted field goes on over. Every
// quote turns quoting on or off, and two within quotes stand for one, as COPY has it.
func (r *records) unquote() error {
	in, quoted := false, false
	for i := 0; ; i++ {
		if i == len(r.line) {
			if !in {
				break
			}
			more, err := r.addLine()
			if err != nil {
				return err
			}
			if !more {
				return fmt.Errorf("line %d: a quote opens a field that never ends", r.first)
			}
		}
		c := r.line[i]
		switch {
		case c == '"' && in && i+1 < len(r.line) && r.line[i+1] == '"':
			r.data = append(r.data, '"')
			i++
		case c == '"':
			in, quoted = !in, true
		case c == ',' && !in:
			r.end(quoted)
			quoted = false
		case !in && len(trimEnd(r.line[i:])) == 0: // the end of the line
			r.end(quoted)
			return nil
		default:
			r.data = append(r.data, c)
		}
	}
	r.end(quoted)
	return nil
}

// end ends a field.
func (r *records) end(quoted bool) {
	r.ends, r.quoted = append(r.ends, len(r.data)), append(r.quoted, quoted)
}

// addLine appends a line with its end to r.line; false at the end of the file.
func (r *records) addLine() (bool, error) {
	before := len(r.line)
	for {
		part, err := r.in.ReadSlice('\n')
		r.line = append(r.line, part...)
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil && err != io.EOF {
			return false, err
		}
		if len(r.line) == before {
			return false, nil
		}
		r.lines++
		return true, nil
	}
}

// fields is the number of fields of the last record.
func (r *records) fields() int { return len(r.ends) }

// field returns a field of the last record, until the next one; null where it has neither
// characters nor quotes.
func (r *records) field(i int) (value []byte, null bool) {
	from := 0
	if i > 0 {
		from = r.ends[i-1]
	}
	return r.data[from:r.ends[i]], from == r.ends[i] && !r.quoted[i]
}

// blank reports whether the last record is an empty line.
func (r *records) blank() bool { return len(r.ends) == 1 && len(r.data) == 0 && !r.quoted[0] }

// trimEnd takes the end of a line away.
func trimEnd(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\r'})
}
