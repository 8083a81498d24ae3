package tql

import (
	"strings"
	"testing"

	"github.com/rowlink/rowlink/schema"
)

// twoSpaces is the test schema twice, in two namespaces.
func twoSpaces(t *testing.T) *schema.Schema {
	sc, other := ddlSchema(t), ddlSchema(t)
	n := len(sc.Tables)
	for _, table := range other.Tables {
		table.Namespace = "Archive"
		for i := range table.Links {
			table.Links[i].To += n
		}
	}
	sc.Tables = append(sc.Tables, other.Tables...)
	return sc
}

func TestBind_namespaces(t *testing.T) {
	sc := twoSpaces(t)
	task := mustBind(t, "PREDICT COUNT(archive.orders.* WHERE archive.orders.price > 1, 0, 7) FOR EACH archive.users.user_id", sc)
	if sc.Tables[task.Entity].Namespace != "Archive" {
		t.Errorf("entity is in %q", sc.Tables[task.Entity].Namespace)
	}
	if text := Explain(task, sc); !strings.Contains(text, `Archive."orders"`) {
		t.Errorf("%s", text)
	}
	again := mustBind(t, "PREDICT "+(&unbinder{sc, task.Entity}).expr(task.Target).String()+` FOR EACH Archive."users"`, sc)
	if again.Entity != task.Entity || (&unbinder{sc, task.Entity}).expr(again.Target).String() != (&unbinder{sc, task.Entity}).expr(task.Target).String() {
		t.Errorf("the printed target binds to another")
	}
	sql, err := SQL(task, sc, nil)
	if err != nil || !strings.Contains(sql, `FROM "Archive"."orders" r`) {
		t.Errorf("%v\n%s", err, sql)
	}
	for _, c := range []struct{ query, code, hint string }{
		{"PREDICT COUNT(public.orders.*, 0, 7) FOR EACH users", "TK103", `public."users" or Archive."users"`},
		{"PREDICT COUNT(public.orders.*, 0, 7) FOR EACH archiv.users.user_id", "TK102", "schemas: Archive, public."},
		{"PREDICT COUNT(public.orders.*, 0, 7) FOR EACH archive.users", "TK123", "foreign keys of orders"},
	} {
		_, err := Bind(c.query, sc)
		if errs, ok := err.(Errors); !ok || len(errs) != 1 || errs[0].Code != c.code || !strings.Contains(errs[0].Hint, c.hint) {
			t.Errorf("%s: %v, want %s with hint %s", c.query, err, c.code, c.hint)
		}
	}
}

// TestBind_zone reads literals in the zone of WITH, else in the one the mapping names.
func TestBind_zone(t *testing.T) {
	sc := ddlSchema(t)
	const query = "CREATE TASK t AS PREDICT COUNT(orders.*, 0, 7) FOR EACH users WHERE created_at > '2020-07-01' WITH (val_anchor = '2020-01-01'"
	where := func(text string) string {
		task := mustBind(t, text, sc)
		return (&unbinder{sc, task.Entity}).expr(task.Where).String() + " " + formatDate(task.Options.ValAnchor, task.Options.Zone) + " " + task.Options.Zone.String()
	}
	for _, c := range []struct{ mapped, options, want string }{
		{"", ")", "users.created_at > TIMESTAMP '2020-07-01 00:00:00Z' 2020-01-01 UTC"},
		{"Europe/Berlin", ")", "users.created_at > TIMESTAMP '2020-06-30 22:00:00Z' 2020-01-01 Europe/Berlin"},
		{"Europe/Berlin", ", time_zone = 'America/New_York')", "users.created_at > TIMESTAMP '2020-07-01 04:00:00Z' 2020-01-01 America/New_York"},
	} {
		sc.Tables[sc.Table("orders")].Time.Zone = c.mapped
		if have := where(query + c.options); have != c.want {
			t.Errorf("%s, want %s", have, c.want)
		}
	}
}

// TestBind_keys checks the constants after FOR EACH t =.
func TestBind_keys(t *testing.T) {
	sc := &schema.Schema{Tables: []*schema.Table{{Name: "parents", Columns: []schema.Column{{Name: "x", Kind: schema.Float, DBType: "numeric"}}, Key: []int{0}},
		{Name: "rows", Columns: []schema.Column{{Name: "a", Kind: schema.Text, DBType: "text"}, {Name: "day", Kind: schema.Time, DBType: "date"},
			{Name: "flag", Kind: schema.Bool, DBType: "boolean"}, {Name: "p", Kind: schema.Float, DBType: "numeric"}}, Key: []int{0, 1, 2},
			Links: []schema.Link{{Name: "p", Columns: []int{3}, To: 0, Ref: []int{0}}}, Time: &schema.RowTime{Column: 1, Via: -1, Until: -1}}}}
	for _, c := range []struct{ query, codes string }{
		{"FOR parents = 1.5", ""}, {"FOR parents IN ('1.5', 2)", ""}, {"FOR parents = 'x'", "TK162"}, {"FOR parents = TRUE", "TK162"},
		{"FOR rows = ('a', '2020-01-31', TRUE)", ""}, {"FOR rows IN ((7, 2020-01-31, FALSE), ('a', 'b', 'c'))", "TK162 TK162"}, {"FOR rows = ('a', '2020-01-31')", "TK163"},
	} {
		path := "rows.*, 0, 7"
		if strings.Contains(c.query, "rows") {
			path += " VIA (rows.p, rows.p)"
		}
		_, err := Bind("PREDICT COUNT("+path+") "+c.query, sc)
		var codes []string
		if errs, ok := err.(Errors); ok {
			for _, e := range errs {
				codes = append(codes, e.Code)
			}
		}
		if have := strings.Join(codes, " "); have != c.codes {
			t.Errorf("%s: %s, want %s: %v", c.query, have, c.codes, err)
		}
	}
}
