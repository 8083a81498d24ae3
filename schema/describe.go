package schema

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
)

// Describe writes s for people: each table with its rows, key, time and links, each
// column with its type, all with reasons, and at the end what is not read.
func (s *Schema) Describe(w io.Writer) error {
	b := bufio.NewWriter(w)
	for i, t := range s.Tables {
		if i > 0 {
			fmt.Fprintln(b)
		}
		s.describeTable(b, t)
	}
	if len(s.Skipped) > 0 {
		fmt.Fprintf(b, "\nnot read:\n")
		for _, k := range s.Skipped {
			fmt.Fprintf(b, "  %s: %s\n", printable(k.Object), printable(k.Reason))
		}
	}
	return b.Flush()
}

func (s *Schema) describeTable(w io.Writer, t *Table) {
	title := printable(s.fileName(t))
	switch {
	case t.Estimate >= 0:
		title += fmt.Sprintf("  about %d rows", t.Estimate)
	default:
		title += "  rows unknown"
	}
	if t.Ignore {
		title += "  (ignored: mapping)"
	}
	fmt.Fprintln(w, title)
	if len(t.Key) == 0 {
		fmt.Fprintln(w, "  key   none: rows cannot be asked for by key")
	} else {
		fmt.Fprintf(w, "  key   %s%s\n", printable(joinNames(t.Names(t.Key))), because(t.KeyReason))
	}
	fmt.Fprintf(w, "  time  %s\n", s.timeText(t))
	for _, l := range t.Links {
		to := s.Tables[l.To]
		fmt.Fprintf(w, "  link  %s -> %s.%s%s\n", printable(joinNames(t.Names(l.Columns))), printable(s.fileName(to)), printable(joinNames(to.Names(l.Ref))), because(l.Reason))
	}
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range t.Columns {
		fmt.Fprintf(tab, "    %s\t%s\t%s\n", printable(c.Name), c.Sem, printable(c.Reason))
	}
	tab.Flush() // errors surface in the bufio.Writer below it
}

// timeText says when rows of t are known.
func (s *Schema) timeText(t *Table) string {
	note := ""
	if t.TimeNote != "" {
		note = "; " + printable(t.TimeNote)
	}
	switch {
	case t.Time == nil && strings.HasPrefix(t.TimeNote, futureNote):
		return "none: " + printable(t.TimeNote)
	case t.Time == nil:
		return "none: rows count as known at all times" + note
	}
	text := printable(t.timeColumn(s))
	if t.Time.Via >= 0 {
		parent := printable(s.fileName(s.Tables[t.Links[t.Time.Via].To]))
		if text == "" {
			text = "that of " + parent
		} else {
			text = parent + "." + text
		}
		text += " through " + printable(t.viaName(t.Time.Via))
	}
	if t.Time.Until >= 0 {
		text += " until " + printable(t.Columns[t.Time.Until].Name)
	}
	if t.Time.Zone != "" {
		text += " in zone " + printable(t.Time.Zone)
	}
	if t.Time.DayEnd {
		text += " at the end of its day"
	}
	return text + because(t.Time.Reason) + note
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return "  (" + printable(reason) + ")"
}

// printable quotes text that a terminal could take for a command or that would
// reorder the line: control characters and bidirectional marks.
func printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
		return strconv.Quote(s)
	}
	return s
}
