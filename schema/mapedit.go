package schema

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// A MappingEdit changes the entry of one table of a mapping file. What it leaves zero
// stays as the file has it.
type MappingEdit struct {
	Table   int       // in the schema that the file describes
	Ignore  *bool     // takes part or not
	Key     []int     // the key; empty = as it is
	Time    *TimeEdit // when a row came to be known
	Links   []Link    // all foreign keys, with SetLinks
	Columns []ColumnEdit

	SetLinks bool
}

// TimeEdit is the time of a table. The zero value says that it has none.
type TimeEdit struct{ Column, Until, Zone, Day string }

// ColumnEdit sets the semantic type of a column; empty = as inferred.
type ColumnEdit struct {
	Name string
	Type SemType
}

// EditMapping changes a mapping file that describes s and keeps everything else of it,
// comments too. Whether the result means something is [Mapping.Apply]'s question.
func EditMapping(file []byte, s *Schema, e MappingEdit) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(file, &doc); err != nil {
		return nil, fmt.Errorf("read mapping: %w", err)
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("read mapping: want fields at the top")
	}
	t := s.Tables[e.Table]
	entry := child(child(doc.Content[0], "tables"), s.fileName(t), t.FullName(), t.Name)
	e.fields(entry, s, t)
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(&doc); err != nil {
		return nil, fmt.Errorf("write mapping: %w", err)
	}
	return out.Bytes(), enc.Close()
}

// fields changes the fields of a table's entry.
func (e *MappingEdit) fields(entry *yaml.Node, s *Schema, t *Table) {
	switch {
	case e.Ignore == nil:
	case *e.Ignore:
		set(entry, "ignore", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"})
	default:
		drop(entry, "ignore")
	}
	if len(e.Key) > 0 {
		set(entry, "key", flowList(t.Names(e.Key), reasonMapping))
	}
	if e.Time != nil {
		set(entry, "time", e.Time.node())
	}
	if e.SetLinks {
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for _, l := range e.Links {
			list.Content = append(list.Content, linkNode(s, t, l))
		}
		if len(list.Content) == 0 {
			list.Style = yaml.FlowStyle
		}
		set(entry, "links", list)
	}
	for _, c := range e.Columns {
		columns := child(entry, "columns")
		if c.Type == "" {
			drop(columns, c.Name)
			continue
		}
		set(columns, c.Name, text(string(c.Type), reasonMapping))
	}
}

// node is the time as the file gives it.
func (e *TimeEdit) node() *yaml.Node {
	if e.Column == "" {
		return text("none", reasonMapping)
	}
	n := text(e.Column, reasonMapping)
	if e.Column == "none" {
		n.Style = yaml.DoubleQuotedStyle
	}
	if e.Until == "" && e.Zone == "" && e.Day == "" {
		return n
	}
	out := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, LineComment: reasonMapping}
	for _, f := range [][2]string{{"column", e.Column}, {"until", e.Until}, {"zone", e.Zone}, {"day", e.Day}} {
		if f[1] != "" {
			out.Content = append(out.Content, text(f[0], ""), text(f[1], ""))
		}
	}
	return out
}

// place finds a field of a YAML mapping by any of its names; -1 = it has none.
func place(n *yaml.Node, names ...string) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if slices.Contains(names, n.Content[i].Value) {
			return i
		}
	}
	return -1
}

// child returns the value of a field that holds fields, and makes it if need be.
func child(n *yaml.Node, names ...string) *yaml.Node {
	if i := place(n, names...); i >= 0 {
		if v := n.Content[i+1]; v.Kind == yaml.MappingNode {
			v.Style &^= yaml.FlowStyle
			return v
		}
		n.Content[i+1] = &yaml.Node{Kind: yaml.MappingNode}
		return n.Content[i+1]
	}
	v := &yaml.Node{Kind: yaml.MappingNode}
	n.Content = append(n.Content, text(names[0], ""), v)
	return v
}

func set(n *yaml.Node, name string, value *yaml.Node) {
	if i := place(n, name); i >= 0 {
		n.Content[i+1] = value
		return
	}
	n.Content = append(n.Content, text(name, ""), value)
}

func drop(n *yaml.Node, name string) {
	if i := place(n, name); i >= 0 {
		n.Content = slices.Delete(n.Content, i, i+2)
	}
}
