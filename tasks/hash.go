package tasks

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/rowlink/rowlink/ingest"
)

// Hash returns the SHA-256 of the label table in hexadecimal digits (rule R17): over key,
// anchor, split and label of each example in order, numbers at 6 significant digits and
// classes by name. A table that was not computed from a snapshot is keyed by row number.
func (l *LabelTable) Hash() string {
	h := sha256.New()
	var line []byte
	for i, row := range l.Entity {
		key := strconv.Itoa(int(row))
		if l.entity != nil {
			key = keyText(l.entity, row)
		}
		line = strconv.AppendQuote(line[:0], key)
		line = append(line, ' ')
		line = strconv.AppendInt(line, l.Anchor[i], 10)
		line = append(line, ' ')
		line = append(line, l.Split[i].String()...)
		line = append(line, ' ')
		if l.ItemStart != nil {
			for _, item := range l.Items(i) {
				line = strconv.AppendQuote(line, l.itemKey(item))
			}
		} else if l.Task.Type == Multilabel {
			line = strconv.AppendQuote(line, l.Text(i))
		} else if l.Classes != nil {
			line = strconv.AppendQuote(line, l.Classes[int(l.Label[i])])
		} else {
			for k, y := range l.Truth(i) {
				if k > 0 {
					line = append(line, '|')
				}
				line = strconv.AppendFloat(line, y, 'g', 6, 64)
			}
		}
		line = append(line, '\n')
		h.Write(line)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// keyText prints the primary key of a row, the parts of a composite one separated by the
// unit separator; the row number in a table without key.
func keyText(t *ingest.Table, row int32) string {
	if len(t.Def.Key) == 0 {
		return strconv.Itoa(int(row))
	}
	text := ""
	for i, c := range t.Def.Key {
		if i > 0 {
			text += "\x1f"
		}
		if read := cells(&t.Columns[c]); read != nil {
			text += read(row).String()
		}
	}
	return text
}
