package schema

import (
	"strings"
	"testing"
)

func TestHideSecrets(t *testing.T) {
	s, stats := parseTables(t, `
table people 90
  ssn int pk
  api_key text notnull unique
  password text
  token_count int
table visits 900
  session_token text pk
  person_ssn int notnull -> people
  secret_at timestamp
`)
	s.HideSecrets()
	Infer(s, stats)
	var got []string
	for _, tb := range s.Tables {
		for _, c := range tb.Columns {
			got = append(got, c.Name+" "+c.Kind.String()+": "+c.Reason)
		}
		got = append(got, tb.Name+" key: "+joinNames(tb.Names(tb.Key)))
		if len(tb.Unique) > 0 {
			t.Errorf("table %s keeps the unique key %v over a secret", tb.Name, tb.Unique)
		}
	}
	want := `ssn int: primary key; named like a secret (ssn): its values are stored to link rows
api_key opaque: named like a secret (api key), so it is not read
password opaque: named like a secret (password), so it is not read
token_count ignore
people key: ssn
session_token opaque: named like a secret (token), so it is not read
person_ssn int: foreign key to people; named like a secret (ssn): its values are stored to link rows
secret_at opaque: named like a secret (secret), so it is not read
visits key: `
	want = strings.Replace(want, "token_count ignore", "token_count int: only NULLs", 1)
	if g := strings.Join(got, "\n"); g != want {
		t.Errorf("columns are\n%s\nwant\n%s", g, want)
	}
	if len(s.Skipped) != 1 || s.Skipped[0].Object != "primary key of visits" {
		t.Errorf("skipped: %v, want the primary key of visits", s.Skipped)
	}
	m, err := ReadMapping(strings.NewReader("tables: {visits: {key: [session_token], columns: {secret_at: timestamp}}}"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Apply(s)
	for _, w := range []string{`column "session_token" is not read: it is named like a secret (token)`, `column "secret_at" is not read: it is named like a secret (secret)`} {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("error is %v, want %q in it", err, w)
		}
	}
}
