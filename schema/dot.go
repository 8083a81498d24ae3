package schema

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// DOT writes s as a Graphviz digraph: a node for each table with its name, rows and
// time, an edge from each foreign key to its parent. Ignored tables are left out.
func (s *Schema) DOT(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "digraph schema {")
	fmt.Fprintln(b, "  rankdir=LR;")
	fmt.Fprintln(b, "  node [shape=box, fontname=\"sans-serif\"];")
	for i, t := range s.Tables {
		if t.Ignore {
			continue
		}
		label := []string{s.fileName(t)}
		if t.Estimate >= 0 {
			label = append(label, fmt.Sprintf("about %d rows", t.Estimate))
		}
		if t.Time != nil {
			time := t.timeColumn(s)
			if time == "" {
				time = "that of " + s.fileName(s.Tables[t.Links[t.Time.Via].To])
			}
			label = append(label, "time: "+time)
		}
		for j, l := range label {
			label[j] = dotText(l)
		}
		fmt.Fprintf(b, "  t%d [label=\"%s\"];\n", i, strings.Join(label, `\n`))
	}
	for i, t := range s.Tables {
		for _, l := range t.Links {
			if !t.Ignore && !s.Tables[l.To].Ignore {
				fmt.Fprintf(b, "  t%d -> t%d [label=\"%s\"];\n", i, l.To, dotText(t.Label(l)))
			}
		}
	}
	fmt.Fprintln(b, "}")
	return b.Flush()
}

// dotText escapes a name for a double-quoted label.
func dotText(s string) string {
	s = oneLine(s)
	s = strings.ReplaceAll(s, `\`, `\\`)
	return strings.ReplaceAll(s, `"`, `\"`)
}
