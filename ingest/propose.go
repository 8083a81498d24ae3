package ingest

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/rowlink/rowlink/schema"
)

// Propose looks for keys and links that the database does not declare: by names, types
// and values. Nothing is used unless it is accepted ([schema.Schema.Accept]).
// Cost: O(rows) per column that may refer to something, and O(rows) per key.
func (s *Snapshot) Propose() []schema.Proposal {
	var out []schema.Proposal
	for i, t := range s.Tables {
		for _, c := range s.Schema.KeyCandidates(i) {
			if t.Rows > 0 && t.unique([]int{c}) {
				out = append(out, schema.Proposal{Table: i, Key: []int{c},
					Link: schema.Link{Reason: fmt.Sprintf("proposed: named like a key, %d different values in %d rows", t.Rows, t.Rows)}})
				break
			}
		}
	}
	sc := s.Schema.Accept(out)
	cands := sc.LinkCandidates()
	samples := make([]map[string]bool, len(cands))
	_ = each(len(cands), func(i int) error {
		samples[i] = s.sample(cands[i])
		return nil
	})
	byTarget := map[string][]int{}
	var targets []string
	for i, c := range cands {
		k := fmt.Sprint(c.To, c.Ref)
		if byTarget[k] == nil {
			targets = append(targets, k)
		}
		byTarget[k] = append(byTarget[k], i)
	}
	_ = each(len(targets), func(i int) error {
		s.lookUp(cands, samples, byTarget[targets[i]])
		return nil
	})
	return append(out, sc.ChooseLinks(cands)...)
}

// unique reports whether the columns are never NULL and hold no value twice.
func (t *Table) unique(cols []int) bool {
	seen := make(map[uint64]struct{}, t.Rows)
	var buf []byte
	for r := range t.Rows {
		var ok bool
		if buf, ok = t.appendKey(buf[:0], cols, r); !ok {
			return false
		}
		h := hash64(buf) // a collision, one in 10^10 for a million rows, loses a proposal
		if _, again := seen[h]; again {
			return false
		}
		seen[h] = struct{}{}
	}
	return true
}

// appendKey appends the values of row in a form in which numbers of any kind are equal
// where their values are; ok is false if one is NULL.
func (t *Table) appendKey(b []byte, cols []int, row int) (_ []byte, ok bool) {
	for _, i := range cols {
		c := &t.Columns[i]
		if c.Null(row) {
			return b, false
		}
		switch c.Kind {
		case schema.Text:
			v := c.Text(row)
			if padded(t.Def.Columns[i].DBType) {
				v = strings.TrimRight(v, " ")
			}
			b = append(b, v...)
		case schema.Float:
			v := c.Floats[row]
			if v != math.Trunc(v) || math.Abs(v) > 1<<62 {
				b = strconv.AppendFloat(b, v, 'g', -1, 64)
			} else {
				b = strconv.AppendInt(b, int64(v), 10)
			}
		case schema.Bool:
			b = strconv.AppendBool(b, c.Bool(row))
		default:
			b = strconv.AppendInt(b, c.Ints[row], 10)
		}
		b = append(b, 0)
	}
	return b, true
}

func hash64(b []byte) uint64 {
	h := fnv.New64a()
	h.Write(b)
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	return x ^ x>>33
}

// sample fills in what the table of a candidate says and returns the distinct values with
// the smallest hashes, so that it does not depend on the order of rows.
func (s *Snapshot) sample(c *schema.Candidate) map[string]bool {
	type value struct {
		hash uint64
		text string
	}
	t, v := s.Tables[c.Table], &c.Value
	have := map[string]bool{}
	var kept []value
	limit := uint64(math.MaxUint64)
	prune := func() {
		slices.SortFunc(kept, func(a, b value) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.text, b.text)) })
		for _, x := range kept[min(len(kept), schema.EvidenceSample):] {
			delete(have, x.text)
		}
		kept = kept[:min(len(kept), schema.EvidenceSample)]
		if len(kept) == schema.EvidenceSample {
			limit = kept[len(kept)-1].hash
		}
	}
	own := c.Table == c.To
	var buf, ref []byte
	v.Rows = t.Rows
	v.Max = math.Inf(-1)
	for r := range t.Rows {
		var ok bool
		if buf, ok = t.appendKey(buf[:0], c.Columns, r); !ok {
			v.Nulls++
			continue
		}
		if own {
			if ref, ok = t.appendKey(ref[:0], c.Ref, r); ok && string(ref) == string(buf) {
				v.SelfLoops++
			}
		}
		if n, ok := t.Columns[c.Columns[0]].Number(r); ok {
			v.Max = max(v.Max, n)
		}
		if h := hash64(buf); h <= limit && !have[string(buf)] {
			have[string(buf)] = true
			kept = append(kept, value{h, string(buf)})
			if len(kept) >= 2*schema.EvidenceSample {
				prune()
			}
		}
	}
	prune()
	v.Distinct = len(kept)
	length := 0
	for _, x := range kept {
		length += len(x.text) - len(c.Columns)
	}
	v.MeanLen = float64(length) / float64(max(len(kept), 1))
	return have
}

// lookUp counts which sampled values of candidates with one target are there.
func (s *Snapshot) lookUp(cands []*schema.Candidate, samples []map[string]bool, which []int) {
	c := cands[which[0]]
	t := s.Tables[c.To]
	unique := t.unique(c.Ref) || t.Rows == 0
	top := math.Inf(-1)
	var buf []byte
	for r := range t.Rows {
		var ok bool
		if buf, ok = t.appendKey(buf[:0], c.Ref, r); !ok {
			continue
		}
		if n, ok := t.Columns[c.Ref[0]].Number(r); ok {
			top = max(top, n)
		}
		for _, i := range which {
			if samples[i][string(buf)] {
				samples[i][string(buf)] = false
				cands[i].Value.Found++
			}
		}
	}
	for _, i := range which {
		v := &cands[i].Value
		v.TargetRows, v.TargetUnique, v.RefMax = t.Rows, unique, top
	}
}
