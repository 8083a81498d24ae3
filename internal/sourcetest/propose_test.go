package sourcetest_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/internal/testdata"
	"github.com/rowlink/rowlink/schema"
)

// Databases without their foreign keys: how many of the true links are found, and how
// many of the proposals are true. The lines are those of docs/links.md.
func TestPropose_measured(t *testing.T) {
	names := []string{"chinook", "completejourney", "f1", "movielens_small", "northwind", "pnwflights14", "stackexchange_quantum", "stats_partial", "lahman"}
	if testing.Short() {
		names = []string{"chinook", "northwind"}
	}
	doc, err := os.ReadFile("../../docs/links.md")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, name := range names {
		m := measure(t, "csv:"+testdata.Path(t, "data", name))
		lines = append(lines, fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %s | %s |", name, m.declared, m.found, m.proposed, m.implied, len(m.wrong),
			listed(m.missed), listed(m.wrong)))
	}
	for _, l := range lines {
		if !strings.Contains(string(doc), l+"\n") {
			t.Errorf("docs/links.md lacks the line\n%s", l)
		}
	}
}

type measured struct {
	declared, found, proposed, implied int
	missed, wrong                      []string
}

func listed(names []string) string {
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, ", ")
}

// measure drops the foreign keys of a database and compares what is proposed with them.
// A proposal is implied where declared keys lead from its columns to its target's.
func measure(t *testing.T, url string) measured {
	t.Helper()
	snap := take(t, url)
	truth := snap.Schema
	bare := truth.Clone()
	for _, table := range bare.Tables {
		table.Links = nil
	}
	naked, err := snap.Derive(bare)
	if err != nil {
		t.Fatal(err)
	}
	proposals := naked.Propose()
	if _, err := naked.Derive(bare.Accept(proposals)); err != nil {
		t.Errorf("%s: proposals cannot be accepted: %v", url, err)
	}
	var m measured
	have := map[string]bool{}
	for _, p := range proposals {
		if p.Key != nil {
			m.wrong = append(m.wrong, "key of "+truth.Tables[p.Table].Name) // all keys are declared there
			continue
		}
		m.proposed++
		name := linkName(truth, p.Table, p.Link)
		have[name] = true
		switch {
		case declares(truth, p.Table, p.Link):
			m.found++
		case implied(truth, p.Table, p.Link.Columns, p.Link.To, p.Link.Ref, 4):
			m.implied++
		default:
			m.wrong = append(m.wrong, name)
		}
	}
	for i, table := range truth.Tables {
		for _, l := range table.Links {
			m.declared++
			if name := linkName(truth, i, l); !have[name] {
				m.missed = append(m.missed, name)
			}
		}
	}
	return m
}

func linkName(s *schema.Schema, t int, l schema.Link) string {
	return s.Tables[t].Name + "." + s.Tables[t].Label(l) + " → " + s.Tables[l.To].Name
}

func declares(s *schema.Schema, t int, l schema.Link) bool {
	return slices.ContainsFunc(s.Tables[t].Links, func(o schema.Link) bool {
		return o.To == l.To && slices.Equal(o.Columns, l.Columns) && slices.Equal(o.Ref, l.Ref)
	})
}

// implied follows declared keys from columns of t, at most depth of them.
func implied(s *schema.Schema, t int, cols []int, to int, ref []int, depth int) bool {
	if t == to && slices.Equal(cols, ref) {
		return true
	}
	if depth == 0 {
		return false
	}
	return slices.ContainsFunc(s.Tables[t].Links, func(l schema.Link) bool {
		next := make([]int, len(cols))
		for i, c := range cols {
			k := slices.Index(l.Columns, c)
			if k < 0 {
				return false
			}
			next[i] = l.Ref[k]
		}
		return implied(s, l.To, next, to, ref, depth-1)
	})
}
