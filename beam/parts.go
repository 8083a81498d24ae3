package beam

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/rowlink/rowlink/beam/piece"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/ingest/parquet"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// partRows are rows of a result on their way to the file: per cell a byte that says
// whether it is NULL, and the value.
type partRows struct {
	fields []parquet.Field
	bytes  []byte
}

func (p *partRows) add(cells []any) error {
	if len(cells) != len(p.fields) {
		return fmt.Errorf("%d values for %d columns", len(cells), len(p.fields))
	}
	for i, c := range cells {
		if c == nil {
			p.bytes = append(p.bytes, 0)
			continue
		}
		p.bytes = append(p.bytes, 1)
		switch v := c.(type) {
		case bool:
			b := byte(0)
			if v {
				b = 1
			}
			p.bytes = append(p.bytes, b)
		case int64:
			p.bytes = binary.AppendVarint(p.bytes, v)
		case float64:
			p.bytes = binary.LittleEndian.AppendUint64(p.bytes, math.Float64bits(v))
		case string:
			p.bytes = append(binary.AppendUvarint(p.bytes, uint64(len(v))), v...)
		default:
			return fmt.Errorf("column %s: a value of type %T", p.fields[i].Name, c)
		}
	}
	return nil
}

// cells reads one row.
func (p *partRows) cells(r *piece.Reader) []any {
	out := make([]any, len(p.fields))
	for i, f := range p.fields {
		if set := r.Take(1); set == nil || set[0] == 0 {
			continue
		}
		switch f.Kind {
		case schema.Bool:
			b := r.Take(1)
			out[i] = b != nil && b[0] != 0
		case schema.Int, schema.Time:
			out[i] = r.Int()
		case schema.Float:
			out[i] = math.Float64frombits(r.Fixed())
		default:
			out[i] = string(r.Bytes())
		}
	}
	return out
}

// partName is the file of a piece.
func partName(shard, of int) string { return fmt.Sprintf("part-%05d-of-%05d.parquet", shard, of) }

// classes are those that training saw in all pieces.
func (j *job) classes(next func(*[]byte) bool) ([]string, error) {
	var seen []string
	var class []byte
	for next(&class) {
		seen = append(seen, string(class))
	}
	return tasks.Classes(j.task, seen)
}

// writePart writes a file of the result, whole or not at all. Examples of classes that
// training never saw fall out, as they do of a label table.
func (j *job) writePart(path string, part []byte, classes []string) error {
	rows := partRows{fields: j.fields()}
	label := slices.IndexFunc(rows.fields, func(f parquet.Field) bool { return f.Name == "label" })
	return workspace.WriteStream(path, func(w io.Writer) error {
		out, err := parquet.NewRows(w, rows.fields)
		if err != nil {
			return err
		}
		for r := piece.NewReader(part); ; {
			if !r.More() {
				return errors.Join(r.Err(), out.Close())
			}
			cells := rows.cells(r)
			if label >= 0 && !j.task.Numeric() && j.task.Ranking == nil {
				text, ok := tasks.LabelText(j.task, cells[label].(string), classes)
				if !ok {
					continue
				}
				cells[label] = text
			}
			if err := out.Add(cells); err != nil {
				return err
			}
		}
	})
}

// doneFile says that a result is whole, and of which job it is.
const doneFile = "_SUCCESS"

// Done is what the file says.
type Done struct {
	Job   string     `json:"job"`
	Work  string     `json:"work"`
	Task  string     `json:"task"`
	Files []DoneFile `json:"files"`
	Rows  int64      `json:"rows"`

	Shuffled int64 `json:"-"` // bytes of rows and questions that this run sent; 0 where it did nothing or the engine does not tell
}

// DoneFile is one file of a result.
type DoneFile struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	Rows  int64  `json:"rows"`
}

// prepareOut makes the folder of a result. One that holds the whole result of the same job
// is done already; one with anything of another job is refused.
func (s *Spec) prepareOut(hash string) (done *Done, err error) {
	text, err := os.ReadFile(filepath.Join(s.Out, doneFile))
	switch {
	case err == nil:
		done = &Done{}
		if err := json.Unmarshal(text, done); err != nil {
			return nil, fmt.Errorf("read %s: %w", filepath.Join(s.Out, doneFile), err)
		}
		if done.Job != hash {
			return nil, &ingest.UserError{Msg: fmt.Sprintf("%s holds the result of another job (%s of task %s)", s.Out, done.Work, done.Task), Hint: "name another folder with --out, or remove that one"}
		}
		return done, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if err := os.MkdirAll(s.Out, 0o755); err != nil {
		return nil, err
	}
	found, err := filepath.Glob(filepath.Join(s.Out, "part-*-of-*.parquet"))
	if err != nil {
		return nil, err
	}
	for _, f := range found { // of a run that did not end: its pieces are computed again
		if err := os.Remove(f); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// finish tells that the result is whole.
func (j *job) finish(hash string) (*Done, error) {
	found, err := filepath.Glob(filepath.Join(j.Out, "part-*-of-*.parquet"))
	if err != nil {
		return nil, err
	}
	slices.Sort(found)
	d := &Done{Job: hash, Work: j.Work, Task: j.task.Name, Files: []DoneFile{}}
	for _, path := range found {
		st, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		rows, err := parquet.CountRows(path)
		if err != nil {
			return nil, err
		}
		d.Files = append(d.Files, DoneFile{filepath.Base(path), st.Size(), rows})
		d.Rows += rows
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, err
	}
	return d, workspace.WriteFile(filepath.Join(j.Out, doneFile), append(text, '\n'))
}
