package postgres

import (
	"testing"

	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/schema"
)

// Columns that are named like secrets are not in the SELECT of the copy, so a role
// without the right to read them could read the rest; keys over them are dropped.
func TestRead_secrets(t *testing.T) {
	u := pgtest.URL(t)
	mustExec(t, admin(t, u),
		`CREATE TABLE people (ssn text PRIMARY KEY, password_hash text, api_key text UNIQUE NOT NULL, name text)`,
		`CREATE TABLE resets (token text PRIMARY KEY, person_ssn text NOT NULL REFERENCES people)`,
		`INSERT INTO people VALUES ('123-45', 'hush', 'hush-key', 'Ada'), ('678-90', 'hush', 'hush-2', 'Bob')`,
		`INSERT INTO resets VALUES ('hush-token', '678-90')`)
	s := mustOpen(t, u, "public")
	sch, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	cat, err := s.readCatalog(t.Context())
	s.session.rollback()
	if err != nil {
		t.Fatal(err)
	}
	plans, err := cat.plans(sch)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		`COPY (SELECT "ssn", "name" FROM ONLY "public"."people") TO STDOUT (FORMAT binary)`,
		`COPY (SELECT "person_ssn" FROM ONLY "public"."resets") TO STDOUT (FORMAT binary)`,
	} {
		if got := plans[i].copySQL(span{}); got != want {
			t.Errorf("table %d is read with %s, want %s", i, got, want)
		}
	}
	snap := mustTake(t, u, "public")
	schema.Infer(snap.Schema, snap.Stats())
	people, resets := snap.Schema.Tables[0], snap.Schema.Tables[1]
	if len(people.Key) != 1 || len(people.Unique) != 0 || len(resets.Key) != 0 {
		t.Errorf("keys are %v, %v and unique %v; want only that of people", people.Key, resets.Key, people.Unique)
	}
	if got, want := people.Columns[1].Reason, "named like a secret (password), so it is not read"; got != want {
		t.Errorf("reason is %q, want %q", got, want)
	}
	if p := snap.Tables[1].Parents[0]; len(p) != 1 || p[0] < 0 {
		t.Errorf("parents of resets are %v, want one person", p)
	}
}
