package parquet

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"go.yaml.in/yaml/v3"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// metadataKey is where this package keeps the keys of a table in its file.
const metadataKey = "rowlink.keys"

// keys is what is declared about a table, by names.
type keys struct {
	Key    []string   `json:"key,omitempty"`
	Unique [][]string `json:"unique,omitempty"`
	Links  []keyLink  `json:"links,omitempty"`

	source string // "declared in ..." for people
	timed  bool   // the time column, or that there is none, is declared
	time   string
}

type keyLink struct {
	Name    string   `json:"name,omitempty"`
	Columns []string `json:"columns"`
	To      string   `json:"to"`
	Ref     []string `json:"references,omitempty"` // empty = the key of To
}

// keysOf reads the keys from the metadata of a file, nil where there are none.
func keysOf(path string, meta arrow.Metadata) (*keys, error) {
	k := &keys{source: "declared in the file"}
	if text, ok := meta.GetValue(metadataKey); ok {
		if err := json.Unmarshal([]byte(text), k); err != nil {
			return nil, &ingest.SourceError{Op: fmt.Sprintf("read the keys in %q", path), Err: err}
		}
		return k, nil
	}
	// RelBench 2: three JSON values; null where there is none.
	if _, ok := meta.GetValue("fkey_col_to_pkey_table"); !ok {
		return nil, nil
	}
	var spec tableSpec
	for _, part := range []struct {
		key  string
		into any
	}{{"fkey_col_to_pkey_table", &spec.Fkeys}, {"pkey_col", &spec.Pkey}, {"time_col", &spec.Time}} {
		text, ok := meta.GetValue(part.key)
		if !ok {
			text = "null"
		}
		if err := json.Unmarshal([]byte(text), part.into); err != nil {
			return nil, &ingest.SourceError{Op: fmt.Sprintf("read the keys in %q", path), Err: fmt.Errorf("%s is %.60q: %w", part.key, text, err)}
		}
	}
	return spec.keys("declared in the file"), nil
}

// tableSpec is what RelBench knows about a table.
type tableSpec struct {
	Pkey  string            `yaml:"pkey"`
	Time  string            `yaml:"time_col"`
	Fkeys map[string]string `yaml:"fkeys"` // column -> table
}

func (s tableSpec) keys(source string) *keys {
	k := &keys{source: source, timed: true, time: s.Time}
	if s.Pkey != "" {
		k.Key = []string{s.Pkey}
	}
	for _, c := range slices.Sorted(maps.Keys(s.Fkeys)) {
		k.Links = append(k.Links, keyLink{Columns: []string{c}, To: s.Fkeys[c]})
	}
	return k
}

// readManifest reads the tables of a manifest.yaml, nil without one.
func readManifest(path string) (map[string]*keys, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, &ingest.SourceError{Op: fmt.Sprintf("read %q", path), Err: err}
	}
	var m struct {
		Tables map[string]tableSpec `yaml:"tables"`
	}
	if err := yaml.Unmarshal(text, &m); err != nil {
		return nil, &ingest.UserError{Msg: fmt.Sprintf("%s: %v", path, err)}
	}
	if len(m.Tables) == 0 {
		return nil, &ingest.UserError{Msg: path + " lists no tables", Hint: "a manifest of a RelBench data set has tables: with pkey, time_col and fkeys"}
	}
	out := map[string]*keys{}
	for name, spec := range m.Tables {
		out[name] = spec.keys("declared in " + manifestFile)
	}
	return out, nil
}

// columns turns names into numbers; ok is false if one is not there or not read.
func columns(t *schema.Table, names []string) (cols []int, ok bool) {
	for _, n := range names {
		c := t.Column(n)
		if c < 0 || t.Columns[c].Kind == schema.Opaque {
			return nil, false
		}
		cols = append(cols, c)
	}
	return cols, len(cols) > 0
}

// keysTo sets key, unique keys and time of t.
func (k *keys) keysTo(t *schema.Table) {
	if cols, ok := columns(t, k.Key); ok {
		t.Key, t.KeyReason = cols, schema.Declared
	}
	for _, u := range k.Unique {
		if cols, ok := columns(t, u); ok {
			t.Unique = append(t.Unique, cols)
		}
	}
	if !k.timed {
		return
	}
	t.TimeDeclared = true
	if c := t.Column(k.time); c >= 0 && t.Columns[c].Kind == schema.Time {
		t.Time = &schema.RowTime{Column: c, Via: -1, Until: -1, Reason: k.source}
	} else if k.time != "" {
		t.TimeNote = fmt.Sprintf("%s as time, but %s holds no time", k.source, k.time)
	}
}

// linksTo adds the foreign keys of t, or says why one is left out.
func (k *keys) linksTo(s *schema.Schema, t *schema.Table) {
	for _, l := range k.Links {
		skip := func(reason string) {
			s.Skipped = append(s.Skipped, schema.Skipped{Object: fmt.Sprintf("foreign key %v of %s", l.Columns, t.Name), Reason: reason})
		}
		to := s.Table(l.To)
		if to < 0 {
			skip(fmt.Sprintf("refers to %s, which is not there", l.To))
			continue
		}
		ref := s.Tables[to].Key
		if len(l.Ref) > 0 {
			ref, _ = columns(s.Tables[to], l.Ref)
		}
		cols, ok := columns(t, l.Columns)
		if !ok || len(ref) != len(cols) {
			skip(fmt.Sprintf("its columns or those of %s are not there or not read", l.To))
			continue
		}
		link := schema.Link{Name: l.Name, Columns: cols, To: to, Ref: slices.Clone(ref), Reason: schema.Declared}
		if link.Name == "" {
			link.Name = t.Label(link)
		}
		t.Links = append(t.Links, link)
	}
}
