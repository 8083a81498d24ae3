package schema

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MappingInfo is said in the head of a mapping file. The zero value is usable.
type MappingInfo struct {
	Database string // which database was read, without password
	Snapshot string // id of the snapshot whose values were looked at
}

const mappingHead = `rowlink mapping: what each table and column means. What stands here wins over what
rowlink infers; the reason behind each line is in its comment. Tables and columns that
are new in the database are added when the file is written again. Types: %s.

  time: COLUMN                     when a row came to be known; none = known at all times
  time: {column: COLUMN, via: FOREIGN_KEY, until: COLUMN, zone: Europe/Berlin}
  time: {via: FOREIGN_KEY}         the time that the row's parent has
  links: list of all foreign keys  {columns: [a], to: TABLE, references: [b]}; drop a line to drop a link
  ignore: true                     on a table or column: takes no part`

// WriteMapping writes s as a mapping file, tables and columns in the order of s, with
// reasons as comments. Reading it back and applying it to s gives s.
func WriteMapping(w io.Writer, s *Schema, info MappingInfo) error {
	root := &yaml.Node{Kind: yaml.MappingNode}
	version := text("version", "")
	version.HeadComment = head(info)
	root.Content = append(root.Content, version, &yaml.Node{Kind: yaml.ScalarNode, Value: mappingVersion})
	tables := &yaml.Node{Kind: yaml.MappingNode}
	for i, t := range s.Tables {
		k := text(s.fileName(t), "")
		if t.Estimate >= 0 {
			k.HeadComment = fmt.Sprintf("about %d rows", t.Estimate)
		}
		tables.Content = append(tables.Content, k, tableNode(s, i))
	}
	if len(s.Tables) == 0 {
		tables.Style = yaml.FlowStyle
	}
	root.Content = append(root.Content, text("tables", ""), tables)
	if len(s.Skipped) > 0 {
		var b strings.Builder
		b.WriteString("not read:")
		for _, k := range s.Skipped {
			fmt.Fprintf(&b, "\n  %s: %s", oneLine(k.Object), oneLine(k.Reason))
		}
		root.FootComment = b.String()
	}
	buf := bufio.NewWriter(w)
	enc := yaml.NewEncoder(buf)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return fmt.Errorf("write mapping: %w", err)
	}
	if err := enc.Close(); err != nil {
		return fmt.Errorf("write mapping: %w", err)
	}
	if err := buf.Flush(); err != nil {
		return fmt.Errorf("write mapping: %w", err)
	}
	return nil
}

func head(info MappingInfo) string {
	types := make([]string, len(SemTypes))
	for i, t := range SemTypes {
		types[i] = string(t)
	}
	h := fmt.Sprintf(mappingHead, strings.Join(types, ", "))
	if info.Database != "" {
		h += "\n\nDatabase: " + oneLine(info.Database)
	}
	if info.Snapshot != "" {
		h += "\nSnapshot: " + oneLine(info.Snapshot)
	}
	return h
}

// fileName is the name of t in the file: short where it is unmistakable.
func (s *Schema) fileName(t *Table) string {
	for _, o := range s.Tables {
		if o != t && o.Name == t.Name {
			return t.FullName()
		}
	}
	return t.Name
}

// text is a YAML scalar that is a string whatever it looks like.
func text(v, comment string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v, LineComment: comment}
}

// comment makes a reason fit for the end of a line.
func comment(reason string) string { return oneLine(reason) }

// oneLine replaces everything that could end a comment line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, s)
}

func flowList(names []string, comment string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, LineComment: comment}
	for _, x := range names {
		n.Content = append(n.Content, text(x, ""))
	}
	return n
}

func tableNode(s *Schema, i int) *yaml.Node {
	t := s.Tables[i]
	n := &yaml.Node{Kind: yaml.MappingNode}
	put := func(k string, v *yaml.Node) { n.Content = append(n.Content, text(k, ""), v) }
	if t.Ignore {
		put("ignore", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"})
	}
	if len(t.Key) == 0 {
		put("key", text("none", comment(t.KeyReason)))
	} else {
		put("key", flowList(t.Names(t.Key), comment(t.KeyReason)))
	}
	put("time", timeNode(s, t))
	links := &yaml.Node{Kind: yaml.SequenceNode}
	for _, l := range t.Links {
		links.Content = append(links.Content, linkNode(s, t, l))
	}
	if len(links.Content) == 0 {
		links.Style = yaml.FlowStyle
	}
	put("links", links)
	cols := &yaml.Node{Kind: yaml.MappingNode}
	for _, c := range t.Columns {
		cols.Content = append(cols.Content, text(c.Name, ""), text(string(c.Sem), comment(c.Reason)))
	}
	if len(cols.Content) == 0 {
		cols.Style = yaml.FlowStyle
	}
	put("columns", cols)
	return n
}

func timeNode(s *Schema, t *Table) *yaml.Node {
	if t.Time == nil {
		return text("none", comment(t.TimeNote))
	}
	reason := t.Time.Reason
	if t.TimeNote != "" {
		reason += "; " + t.TimeNote
	}
	column := t.timeColumn(s)
	if t.Time.Via < 0 && t.Time.Until < 0 && t.Time.Zone == "" && !t.Time.DayEnd {
		n := text(column, comment(reason))
		if column == "none" {
			n.Style = yaml.DoubleQuotedStyle
		}
		return n
	}
	n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, LineComment: comment(reason)}
	put := func(k, v string) { n.Content = append(n.Content, text(k, ""), text(v, "")) }
	if column != "" {
		put("column", column)
	}
	if t.Time.Via >= 0 {
		put("via", t.viaName(t.Time.Via))
	}
	if t.Time.Until >= 0 {
		put("until", t.Columns[t.Time.Until].Name)
	}
	if t.Time.Zone != "" {
		put("zone", t.Time.Zone)
	}
	if t.Time.DayEnd {
		put("day", "end")
	}
	return n
}

// timeColumn is the name of the column that the table's time comes from; "" for the
// parent's own row time.
func (t *Table) timeColumn(s *Schema) string {
	if t.Time.Column < 0 {
		return ""
	}
	if t.Time.Via >= 0 {
		return s.Tables[t.Links[t.Time.Via].To].Columns[t.Time.Column].Name
	}
	return t.Columns[t.Time.Column].Name
}

// viaName names a link: by its label where no other link has it, else by its name.
func (t *Table) viaName(link int) string {
	label := t.Label(t.Links[link])
	for i, l := range t.Links {
		if i != link && t.Label(l) == label {
			return t.Links[link].Name
		}
	}
	return label
}

func linkNode(s *Schema, t *Table, l Link) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, LineComment: comment(l.Reason)}
	put := func(k string, v *yaml.Node) { n.Content = append(n.Content, text(k, ""), v) }
	to := s.Tables[l.To]
	put("columns", flowList(t.Names(l.Columns), ""))
	put("to", text(s.fileName(to), ""))
	if !slices.Equal(l.Ref, to.Key) {
		put("references", flowList(to.Names(l.Ref), ""))
	}
	if l.Reason == reasonMapping && l.Name != t.Label(l) {
		put("name", text(l.Name, ""))
	}
	return n
}
