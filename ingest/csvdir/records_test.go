package csvdir

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"testing"
)

// all reads a file: fields of a record separated by |, NULL as ~.
func all(in io.Reader) (out []string, err error) {
	r := newRecords(in)
	for {
		more, err := r.next()
		if !more || err != nil {
			return out, err
		}
		fields := make([]string, r.fields())
		for i := range fields {
			v, null := r.field(i)
			if fields[i] = string(v); null {
				fields[i] = "~"
			}
		}
		out = append(out, strings.Join(fields, "|"))
	}
}

func TestRecords(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"a", "a"},
		{"a,b\n", "a|b"},
		{"a,b\r\nc,d\r\n", "a|b;c|d"},
		{"\xef\xbb\xbfa,b\n", "a|b"},
		{",\n", "~|~"},
		{"\"\",\n", "|~"},
		{"\n", "~"},
		{`"a,b","c""d"`, `a,b|c"d`},
		{"\"two\nlines\",x\ny,z", "two\nlines|x;y|z"},
		{"\"two\r\nlines\"\r\n", "two\r\nlines"},
		{`a "b, c" d,e`, "a b, c d|e"},
		{"\"\"\"\"", `"`},
		{"a,", "a|~"},
		{"\"a\",\n\"b\",c", "a|~;b|c"},
		{"a\rb,c\n", "a\rb|c"},
		{"\"x\"\r\n", "x"},
	} {
		got, err := all(strings.NewReader(c.in))
		if err != nil || strings.Join(got, ";") != c.want {
			t.Errorf("%q: got %q and %v, want %q", c.in, strings.Join(got, ";"), err, c.want)
		}
	}
	if _, err := all(strings.NewReader("a\n\"b\nc\n")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("an open quote gives %v, want an error that names line 2", err)
	}
}

// A line longer than any buffer comes out whole.
func TestRecords_long(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for _, text := range []string{long + "," + long, `"` + long + `","` + long + `"`} {
		got, err := all(strings.NewReader(text + "\n"))
		if err != nil || len(got) != 1 || got[0] != long+"|"+long {
			t.Errorf("%d records and %v, want one with both fields", len(got), err)
		}
	}
}

// What encoding/csv reads, records reads alike, NULL and empty text apart.
func FuzzRecords(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "\"a\"\"b\",\"c\nd\"\n", ",,\n", "\"\"\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := all(strings.NewReader(s))
		again, _ := all(io.MultiReader(strings.NewReader(s[:len(s)/2]), strings.NewReader(s[len(s)/2:])))
		if fmt.Sprint(got) != fmt.Sprint(again) {
			t.Fatalf("in one piece %q, in two %q", got, again)
		}
		if err != nil || strings.ContainsAny(s, "\r|~") || bytes.HasPrefix([]byte(s), []byte("\xef\xbb\xbf")) {
			return
		}
		r := csv.NewReader(strings.NewReader(s))
		r.FieldsPerRecord = -1
		rows, err := r.ReadAll()
		if err != nil {
			return // stricter about quotes
		}
		var want, have []string
		for _, row := range rows {
			want = append(want, strings.Join(row, "|"))
		}
		for _, line := range got {
			if line != "~" { // an empty line
				have = append(have, strings.ReplaceAll(line, "~", ""))
			}
		}
		if strings.Join(have, "\x00") != strings.Join(want, "\x00") {
			t.Fatalf("%q: got %q, encoding/csv reads %q", s, have, want)
		}
	})
}
