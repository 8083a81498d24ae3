package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rowlink/rowlink/internal/shop"
)

// testOIP asks both protocols for every customer of a day: the numbers are the same to the last
// bit, so their texts are, at the default anchor, at one anchor, and with one for each.
func testOIP(t *testing.T, r *running, made *shop.Database) {
	var keys, anchors []string
	first := time.Date(2024, 8, 1, 0, 0, 0, 0, time.UTC)
	for i, c := range made.Customers {
		if c.SignedUpAt.Before(first) {
			keys = append(keys, fmt.Sprint(c.ID))
			anchors = append(anchors, `"`+first.AddDate(0, i%4, 0).Format(time.RFC3339)+`"`)
		}
	}
	type rows struct {
		Predictions []struct {
			Index       int
			Probability json.RawMessage
			Prediction  json.RawMessage
			Eligible    json.RawMessage
		}
		Errors []struct{ Code string }
	}
	native := func(body string) rows {
		t.Helper()
		var out rows
		status, text, err := r.ask("/v1/tasks/churn/predict", body)
		if err != nil || status != 200 || json.Unmarshal([]byte(text), &out) != nil || len(out.Errors) > 0 {
			t.Fatalf("%s: %d %s %v", body, status, text, err)
		}
		return out
	}
	compare := func(name string, want rows, anchor string) {
		t.Helper()
		body := fmt.Sprintf(`{"id":"7","inputs":[{"name":"entity","shape":[%d],"datatype":"INT64","data":[%s]}%s]}`, len(keys), strings.Join(keys, ","), anchor)
		status, text, err := r.ask("/v2/models/churn/infer", body)
		var got struct {
			ID      string
			Outputs []struct {
				Name string
				Data []json.RawMessage
			}
		}
		if err != nil || status != 200 || json.Unmarshal([]byte(text), &got) != nil || got.ID != "7" {
			t.Fatalf("%s: %d %s %v", name, status, text, err)
		}
		seen := map[string]bool{}
		for _, o := range got.Outputs {
			seen[o.Name] = true
			if len(o.Data) != len(keys) {
				t.Fatalf("%s: output %s has %d elements", name, o.Name, len(o.Data))
			}
			for i, p := range want.Predictions {
				native := map[string]json.RawMessage{"probability": p.Probability, "prediction": p.Prediction, "eligible": p.Eligible}[o.Name]
				if native != nil && string(o.Data[p.Index]) != string(native) {
					t.Errorf("%s: %s of customer %s is %s, by /v1 %s", name, o.Name, keys[i], o.Data[p.Index], native)
				}
			}
		}
		if !seen["probability"] || !seen["prediction"] || !seen["eligible"] || len(want.Predictions) != len(keys) {
			t.Errorf("%s: outputs %v of %d predictions", name, seen, len(want.Predictions))
		}
	}
	all := strings.Join(keys, ",")
	compare("default", native(`{"entities":[`+all+`]}`), "")
	compare("one anchor", native(`{"entities":[`+all+`],"anchor":`+anchors[1]+`}`), `,{"name":"anchor","shape":[1],"datatype":"BYTES","data":[`+anchors[1]+`]}`)
	mixed := rows{}
	for i, at := range anchors {
		one := native(`{"entities":[` + keys[i] + `],"anchor":` + at + `}`)
		one.Predictions[0].Index = i
		mixed.Predictions = append(mixed.Predictions, one.Predictions...)
	}
	compare("an anchor each", mixed, fmt.Sprintf(`,{"name":"anchor","shape":[%d],"datatype":"BYTES","data":[%s]}`, len(keys), strings.Join(anchors, ",")))
}
