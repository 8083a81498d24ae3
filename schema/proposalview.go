package schema

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// ProposalView is a [Proposal] for JSON: a key of Table, or a link to table To.
type ProposalView struct {
	Table      string   `json:"table"`
	Key        []string `json:"key,omitempty"`
	Columns    []string `json:"columns,omitempty"`
	To         string   `json:"to,omitempty"`
	References []string `json:"references,omitempty"`
	Reason     string   `json:"reason"`
	Mapping    string   `json:"mapping"` // line of the mapping file that accepts it
}

// ProposalViews returns proposals with names in place of numbers, without those of
// ignored tables.
func (s *Schema) ProposalViews(proposals []Proposal) []ProposalView {
	var out []ProposalView
	for _, p := range proposals {
		t := s.Tables[p.Table]
		v := ProposalView{Table: s.fileName(t), Reason: p.Link.Reason}
		switch {
		case t.Ignore || p.Key == nil && s.Tables[p.Link.To].Ignore:
			continue
		case p.Key != nil:
			v.Key = t.Names(p.Key)
			v.Mapping = "key: " + listText(v.Key)
		default:
			to := s.Tables[p.Link.To]
			v.Columns, v.To, v.References = t.Names(p.Link.Columns), s.fileName(to), to.Names(p.Link.Ref)
			v.Mapping = fmt.Sprintf("links: [{columns: %s, to: %s, references: %s}]", listText(v.Columns), nameText(v.To), listText(v.References))
		}
		out = append(out, v)
	}
	return out
}

// listText writes names as a YAML list in one line.
func listText(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = nameText(n)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// nameText quotes a name where YAML would read something else.
func nameText(n string) string {
	for _, r := range n {
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return strconv.Quote(n)
		}
	}
	var v any
	if yaml.Unmarshal([]byte(n), &v) != nil || v != n {
		return strconv.Quote(n)
	}
	return n
}
