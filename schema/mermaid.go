package schema

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Mermaid writes s as a Mermaid entity-relationship diagram
// (https://mermaid.js.org/syntax/entityRelationshipDiagram.html). Attributes show
// semantic types; ignored tables and columns are left out.
func (s *Schema) Mermaid(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "erDiagram")
	for i, t := range s.Tables {
		if t.Ignore {
			continue
		}
		fmt.Fprintf(b, "  t%d[\"%s\"] {\n", i, mermaidText(s.fileName(t)))
		for c, col := range t.Columns {
			if col.Sem == SemIgnore {
				continue
			}
			fmt.Fprintf(b, "    %s %s%s\n", orUnknown(col.Sem), mermaidWord(col.Name), t.mermaidMarks(c))
		}
		fmt.Fprintln(b, "  }")
	}
	for i, t := range s.Tables {
		for _, l := range t.Links {
			if t.Ignore || s.Tables[l.To].Ignore {
				continue
			}
			one := "||" // exactly one parent
			for _, c := range l.Columns {
				if !t.Columns[c].NotNull {
					one = "|o"
				}
			}
			fmt.Fprintf(b, "  t%d %s--o{ t%d : \"%s\"\n", l.To, one, i, mermaidText(t.Label(l)))
		}
	}
	return b.Flush()
}

func orUnknown(s SemType) SemType {
	if s == "" {
		return "unknown"
	}
	return s
}

// mermaidMarks says whether a column is of the primary key, of a foreign key, or the time.
func (t *Table) mermaidMarks(c int) string {
	var marks []string
	for _, k := range t.Key {
		if k == c {
			marks = append(marks, "PK")
		}
	}
	for _, l := range t.Links {
		for _, k := range l.Columns {
			if k == c && (len(marks) == 0 || marks[len(marks)-1] != "FK") {
				marks = append(marks, "FK")
			}
		}
	}
	out := ""
	if len(marks) > 0 {
		out = " " + strings.Join(marks, ", ")
	}
	if t.Time != nil && t.Time.Via < 0 && t.Time.Column == c {
		out += ` "time"`
	}
	return out
}

// mermaidWord makes a name fit for an attribute: letters, digits, - and _.
func mermaidWord(name string) string {
	w := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, name)
	if w == "" || !unicode.IsLetter([]rune(w)[0]) {
		return "c_" + w
	}
	return w
}

// mermaidText makes a name fit for a quoted label.
func mermaidText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case !unicode.IsPrint(r):
			return ' '
		}
		return r
	}, s)
}
