package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/internal/pgtest"
)

// What the doctor finds carries the number of its case, and its repairs run.
func TestDoctor_cases(t *testing.T) {
	u := pgtest.URL(t)
	conn := admin(t, u)
	mustExec(t, conn, "CREATE TABLE users (id int PRIMARY KEY, password text, photo bytea, at timestamp)",
		"CREATE TABLE orders (id int PRIMARY KEY, user_id int, placed date, shipped timestamptz, ends timestamp)",
		"INSERT INTO users SELECT g, 'x', NULL, '2020-01-01'::timestamp + g * interval '1 hour' FROM generate_series(1, 500) g",
		"INSERT INTO orders SELECT g, 1, CASE WHEN g % 3 = 0 THEN '1970-01-01'::date ELSE '2020-01-01'::date + g END, CASE WHEN g % 10 = 0 THEN timestamptz '2020-02-01' + g * interval '1 day' END, '2020-01-01'::timestamp + g * interval '60 days' FROM generate_series(1, 500) g",
		"INSERT INTO orders VALUES (0, 999, '2020-01-01')", "CREATE TABLE kinds () INHERITS (users)",
		"ALTER TABLE orders ADD CONSTRAINT of_user FOREIGN KEY (user_id) REFERENCES users NOT VALID", "ANALYZE")
	name, roleURL := role(t, conn, u)
	mustExec(t, conn, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO "+name, "ALTER ROLE "+name+" CONNECTION LIMIT 2")
	found, err := Doctor(t.Context(), roleURL, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s %s %d: %s | %s\n", f.Level, f.Check, f.Case, strings.ReplaceAll(f.Detail, name, "ROLE"), strings.ReplaceAll(f.Repair, name, "ROLE"))
	}
	for _, want := range []string{
		`warning connections 53: role "ROLE" may open 2 connections; a read uses up to 4 | ALTER ROLE "ROLE" CONNECTION LIMIT 8`,
		`warning not validated 18: foreign key of_user of public.orders was never validated: rows may refer to nothing and then have no parent | ALTER TABLE "public"."orders" VALIDATE CONSTRAINT "of_user"`,
		`info inheritance 79: public.users: its own rows only`,
		`info time zone 66: without time zone, taken as UTC unless mapping.yaml names a zone: "public.kinds.at", "public.orders.ends", "public.users.at"`,
		`info secret 39: named like secrets and not read: "public.kinds.password", "public.users.password"`,
		`info unread type 73: of types that are not read: "public.kinds.photo (bytea)", "public.users.photo (bytea)"`,
		`info time 82: public.orders.shipped is NULL in 90 % of the rows`,
		`warning time 82: 1970-01-01 is frequent in "public.orders.placed"`,
		`info time 82: times that lie ahead: "public.orders.ends up to 21`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("lacks %q in\n%s", want, b.String())
		}
	}
	mustExec(t, conn, "UPDATE orders SET user_id = 1")
	for _, f := range found {
		if f.Check == "not validated" || f.Check == "connections" {
			mustExec(t, conn, f.Repair)
		}
	}
	if found, err = Doctor(t.Context(), roleURL, nil); err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.Level != "ok" && (f.Check == "not validated" || f.Check == "connections") {
			t.Errorf("after the repair: %+v", f)
		}
	}
}
