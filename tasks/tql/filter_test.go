package tql_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

func filterSchema() *schema.Schema {
	return &schema.Schema{Tables: []*schema.Table{
		{Name: "customers", Key: []int{0}, Columns: []schema.Column{{Name: "id", Kind: schema.Int, Sem: schema.SemID}, {Name: "region", Kind: schema.Text, Sem: schema.SemCategorical}}},
		{Name: "orders", Key: []int{0}, Time: &schema.RowTime{Column: 2, Via: -1, Until: -1}, Columns: []schema.Column{{Name: "id", Kind: schema.Int, Sem: schema.SemID}, {Name: "customer_id", Kind: schema.Int, Sem: schema.SemID},
			{Name: "at", Kind: schema.Time, Sem: schema.SemTimestamp}}, Links: []schema.Link{{Name: "c", Columns: []int{1}, To: 0, Ref: []int{0}}}}}}
}

// A condition takes the place of the task's WHERE and keeps its options; what is no condition
// is refused, with its place in the condition.
func TestFilter(t *testing.T) {
	const text = "CREATE TASK churn AS PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH customers WHERE COUNT(orders.*, -90, 0, days) > 0 WITH (past = strict)"
	task, err := tql.Filter(text, "customers.region = 'north' OR COUNT(orders.*, -30, 0, days) > 2", filterSchema())
	if err != nil {
		t.Fatal(err)
	}
	if got := task.Text; !strings.Contains(got, "north") || strings.Contains(got, "-90") || !task.Options.Rule.Strict {
		t.Errorf("the condition became %s", got)
	}
	for condition, want := range map[string]string{
		"customers.regoin = 'north'":               "1:11",
		"region = 'north') ASSUMING (region = 'x'": "1:1",
		"region = 'x'; DROP TASK churn":            "",
		"":                                         "",
		"COUNT(orders.*, 0, 30, days) > 0":         "1:17", // would look ahead
	} {
		_, err := tql.Filter(text, condition, filterSchema())
		errs := tql.Errors(nil)
		if !errors.As(err, &errs) || want != "" && !strings.HasPrefix(errs[0].Error(), want+":") {
			t.Errorf("%q: %v, want an error at %s", condition, err, want)
		}
	}
	var raw *tasks.Error
	if _, err := tql.Filter("CREATE TASK x AS ENTITIES $$ SELECT 1 $$ LABEL $$ SELECT 1 $$", "region = 'x'", filterSchema()); err == nil || errors.As(err, &raw) && raw.Hint == "" {
		t.Errorf("a task in SQL: %v", err)
	}
}
