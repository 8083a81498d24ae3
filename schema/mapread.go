package schema

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// mappingVersion is the format that [WriteMapping] writes.
const mappingVersion = "1"

// maxMapping bounds the file: a mapping of 20,000 tables has about 30 MB.
const maxMapping = 64 << 20

// ReadMapping reads a mapping file. Unknown and repeated fields and values of the
// wrong form are refused, all of them at once, as [MappingErrors]. Whether tables and
// columns exist is [Mapping.Apply]'s question.
func ReadMapping(r io.Reader) (*Mapping, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxMapping+1))
	if err != nil {
		return nil, fmt.Errorf("read mapping: %w", err)
	}
	if len(text) > maxMapping {
		return nil, fmt.Errorf("read mapping: more than %d bytes", maxMapping)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("read mapping: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(doc.Content) == 0 {
		return nil, errors.New("read mapping: the file is empty; delete it to have it written anew")
	}
	p := &mapParser{}
	m := p.mapping(doc.Content[0])
	if err := p.err(); err != nil {
		return nil, err
	}
	return m, nil
}

// mapParser turns YAML nodes into a mapping and collects faults.
type mapParser struct{ faults }

// fields calls the function of each key of a YAML mapping node. what names the node
// for errors.
func (p *mapParser) fields(n *yaml.Node, what string, known map[string]func(v *yaml.Node), order []string) {
	p.entries(n, what, func(k Named, v *yaml.Node) {
		f, ok := known[k.Text]
		if !ok {
			p.add(k.Line, suggest(k.Text, order, what+" has "+strings.Join(order, ", ")), "unknown field %q", k.Text)
			return
		}
		f(v)
	})
}

// entries walks a YAML mapping node; a repeated key is a fault.
func (p *mapParser) entries(n *yaml.Node, what string, each func(k Named, v *yaml.Node)) {
	n = resolve(n)
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		p.add(n.Line, "write name: value lines", "%s is %s, want named fields", what, shape(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode {
			p.add(k.Line, "", "%s has a name that is %s", what, shape(k))
			continue
		}
		if line, ok := seen[k.Value]; ok {
			p.add(k.Line, "", "%q stands in line %d already", k.Value, line)
			continue
		}
		seen[k.Value] = k.Line
		each(Named{k.Value, k.Line}, n.Content[i+1])
	}
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func shape(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a group of fields"
	case yaml.SequenceNode:
		return "a list"
	}
	return fmt.Sprintf("%q", n.Value)
}

func (p *mapParser) scalar(n *yaml.Node, what string) Named {
	n = resolve(n)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		p.add(n.Line, "", "%s is %s, want a name", what, shape(n))
		return Named{Line: n.Line}
	}
	return Named{n.Value, n.Line}
}

func (p *mapParser) flag(n *yaml.Node, what string) bool {
	n = resolve(n)
	if n.Kind == yaml.ScalarNode && n.Tag == "!!bool" {
		var v bool
		if n.Decode(&v) == nil {
			return v
		}
	}
	p.add(n.Line, "write true or false", "%s is %s", what, shape(n))
	return false
}

// names reads a list of names, or one name.
func (p *mapParser) names(n *yaml.Node, what string) []Named {
	n = resolve(n)
	if n.Kind == yaml.ScalarNode {
		return []Named{p.scalar(n, what)}
	}
	if n.Kind != yaml.SequenceNode {
		p.add(n.Line, "write [a, b]", "%s is %s, want a list of names", what, shape(n))
		return nil
	}
	out := []Named{}
	for _, e := range n.Content {
		out = append(out, p.scalar(e, what))
	}
	return out
}

func (p *mapParser) mapping(n *yaml.Node) *Mapping {
	m := &Mapping{}
	p.fields(n, "the file", map[string]func(*yaml.Node){
		"version": func(v *yaml.Node) {
			if x := p.scalar(v, "version"); x.Text != mappingVersion {
				p.add(x.Line, "this rowlink reads version "+mappingVersion, "version is %q", x.Text)
			}
		},
		"tables": func(v *yaml.Node) {
			p.entries(v, "tables", func(k Named, v *yaml.Node) { m.Tables = append(m.Tables, p.table(k, v)) })
		},
	}, []string{"version", "tables"})
	return m
}

func (p *mapParser) table(name Named, n *yaml.Node) TableMapping {
	t := TableMapping{Name: name}
	p.fields(n, "a table", map[string]func(*yaml.Node){
		"ignore": func(v *yaml.Node) { t.Ignore = p.flag(v, "ignore") },
		"key": func(v *yaml.Node) {
			key := p.names(v, "key")
			if len(key) == 1 && key[0].Text == "none" && resolve(v).Kind == yaml.ScalarNode {
				key = nil
			}
			t.Key = &key
		},
		"time": func(v *yaml.Node) { t.Time = p.time(v) },
		"links": func(v *yaml.Node) {
			links := p.links(v)
			t.Links = &links
		},
		"columns": func(v *yaml.Node) {
			p.entries(v, "columns", func(k Named, v *yaml.Node) { t.Columns = append(t.Columns, p.column(k, v)) })
		},
	}, []string{"ignore", "key", "time", "links", "columns"})
	return t
}

func (p *mapParser) time(n *yaml.Node) TimeMapping {
	t := TimeMapping{Set: true}
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		t.Column = p.scalar(n, "time")
		if t.Column.Text == "none" && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 {
			t.None = true
		}
		return t
	}
	p.fields(n, "time", map[string]func(*yaml.Node){
		"column": func(v *yaml.Node) { t.Column = p.scalar(v, "column") },
		"via":    func(v *yaml.Node) { t.Via = p.scalar(v, "via") },
		"until":  func(v *yaml.Node) { t.Until = p.scalar(v, "until") },
		"zone":   func(v *yaml.Node) { t.Zone = p.scalar(v, "zone") },
		"day":    func(v *yaml.Node) { t.Day = p.scalar(v, "day") },
	}, []string{"column", "via", "until", "zone", "day"})
	if t.Column.Text == "" && t.Via.Text == "" {
		p.add(n.Line, "write time: {column: NAME}, or time: none", "time names no column")
	}
	return t
}

func (p *mapParser) links(n *yaml.Node) []LinkMapping {
	n = resolve(n)
	out := []LinkMapping{}
	if n.Kind == yaml.ScalarNode && (n.Tag == "!!null" || n.Value == "none") {
		return out
	}
	if n.Kind != yaml.SequenceNode {
		p.add(n.Line, "write - {columns: [a], to: TABLE}", "links is %s, want a list", shape(n))
		return out
	}
	for _, e := range n.Content {
		l := LinkMapping{Line: e.Line}
		p.fields(e, "a link", map[string]func(*yaml.Node){
			"name":       func(v *yaml.Node) { l.Name = p.scalar(v, "name").Text },
			"columns":    func(v *yaml.Node) { l.Columns = p.names(v, "columns") },
			"to":         func(v *yaml.Node) { l.To = p.scalar(v, "to") },
			"references": func(v *yaml.Node) { l.Ref = p.names(v, "references") },
		}, []string{"name", "columns", "to", "references"})
		if len(l.Columns) == 0 || l.To.Text == "" {
			p.add(e.Line, "write {columns: [a], to: TABLE}", "a link needs columns and to")
			continue
		}
		out = append(out, l)
	}
	return out
}

func (p *mapParser) column(name Named, n *yaml.Node) ColumnMapping {
	c := ColumnMapping{Name: name}
	if n = resolve(n); n.Kind == yaml.ScalarNode {
		c.Type = p.scalar(n, "type")
		return c
	}
	p.fields(n, "a column", map[string]func(*yaml.Node){
		"type": func(v *yaml.Node) { c.Type = p.scalar(v, "type") },
		"ignore": func(v *yaml.Node) {
			if p.flag(v, "ignore") {
				c.Type = Named{string(SemIgnore), resolve(v).Line}
			}
		},
	}, []string{"type", "ignore"})
	return c
}
