package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/server"
)

// TestPredict_formsAgree asks the network for all, by key, and for CSV: the numbers are
// the same to the last bit.
func TestPredict_formsAgree(t *testing.T) {
	inShop(t)
	copyTree(t, trained(t), ".rowlink")
	all := decode[predictDocument](t, rowlinkOK(t, "predict churn -q --json --all --at 2024-12-02"))
	if all.Served != "gnn" || all.Alias != "prod" || all.Version != 1 || len(all.Predictions) < 50 || all.Answered != len(all.Predictions) {
		t.Fatalf("version %d (%s) by %s: %d predictions, %d answered", all.Version, all.Alias, all.Served, len(all.Predictions), all.Answered)
	}
	if all.Anchor != "2024-12-02T00:00:00Z" || all.DataUntil != "2025-01-01T00:00:00Z" {
		t.Errorf("anchor %s, data until %s", all.Anchor, all.DataUntil)
	}
	command := "predict churn -q --json --at 2024-12-02"
	for _, p := range all.Predictions[:5] {
		if !p.Eligible {
			t.Errorf("%v is not eligible, but --all gave it", p.Entity)
		}
		command += fmt.Sprintf(" --key %v", p.Entity)
	}
	if some := decode[predictDocument](t, rowlinkOK(t, command)); !reflect.DeepEqual(some.Predictions, all.Predictions[:5]) {
		t.Errorf("by key\n%v\namong all\n%v", some.Predictions, all.Predictions[:5])
	}
	summary := decode[predictDocument](t, rowlinkOK(t, "predict churn -q --all --at 2024-12-02 --out all.csv --json"))
	if summary.Out != "all.csv" || len(summary.Predictions) != 0 || summary.Answered != all.Answered {
		t.Errorf("with --out: %q, %d predictions, %d answered", summary.Out, len(summary.Predictions), summary.Answered)
	}
	f, err := os.Open("all.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(records[0], ","); got != "customer_id,anchor,prediction,probability,eligible" || len(records) != len(all.Predictions)+1 {
		t.Fatalf("%d records with header %s", len(records), got)
	}
	for i, p := range all.Predictions {
		want := []string{fmt.Sprint(p.Entity), "2024-12-02 00:00:00", fmt.Sprint(p.Prediction), strconv.FormatFloat(*p.Probability, 'g', -1, 64), "true"}
		if !reflect.DeepEqual(records[i+1], want) {
			t.Errorf("record %d is %v, want %v", i+1, records[i+1], want)
		}
	}
}

// TestPredict_explain checks that reasons are named under each prediction.
func TestPredict_explain(t *testing.T) {
	inShop(t)
	copyTree(t, trained(t), ".rowlink")
	got := decode[predictDocument](t, rowlinkOK(t, "predict churn -q --json --key 10002 --key 10003 --explain 2"))
	text := rowlinkOK(t, "predict churn -q --key 10002 --key 10003 --explain 2")
	for i, p := range got.Predictions {
		if len(p.Explanation) != 2 || p.Explanation[0].Table == "" || p.Explanation[0].Rows == 0 || p.Explanation[0].Effect == 0 {
			t.Fatalf("explanation %v, want two reasons", p.Explanation)
		}
		first := p.Explanation[0]
		line := strings.Split(text, "\n")[2+3*i]
		if !strings.HasPrefix(line, "    "+first.Table) || !strings.HasSuffix(line, fmt.Sprintf(": %+.4f", first.Effect)) || !strings.Contains(line, " via f2p_") {
			t.Errorf("line %q for %+v", line, first)
		}
	}
}

// TestPredict_compositeKey asks for rows whose key has two columns, in every form.
func TestPredict_compositeKey(t *testing.T) {
	inShop(t)
	const task = `CREATE TASK back AS PREDICT COUNT(returns.*, 0, 30, days) > 0 FOR EACH order_lines
  WHERE order_lines.order_id < 701500 WITH (val_anchor = '2024-02-01', test_anchor = '2024-04-01', data_from = '2023-09-01')`
	if err := os.WriteFile("back.sql", []byte(task), 0o600); err != nil {
		t.Fatal(err)
	}
	rowlinkOK(t, "train back.sql --db sqlite:shop.db -q --epochs 1 --fan-out 2 --width 4 --batch 2048 --model constant")
	if err := os.WriteFile("keys.csv", []byte("line_no,note,order_id\n1,x,700002\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	byFlag := decode[predictDocument](t, rowlinkOK(t, "predict back -q --json --key 700002,1"))
	byFile := decode[predictDocument](t, rowlinkOK(t, "predict back -q --json --keys keys.csv"))
	if !reflect.DeepEqual(byFlag.Predictions, byFile.Predictions) || !reflect.DeepEqual(byFlag.Predictions[0].Entity, []any{700002.0, 1.0}) {
		t.Errorf("by flag %v, by file %v", byFlag.Predictions, byFile.Predictions)
	}
	r := rowlinkRun(t.Context(), words("predict back -q --key 700002"))
	if r.code != exitUsage || !strings.Contains(r.err, "TK400: no order_lines row with key \"700002\": the key has 2 parts: order_id, line_no; got 1") {
		t.Errorf("half a key: exit %d, %s", r.code, r.err)
	}
}

// TestKeyPositions finds the key columns in headers, and none where there is no header.
func TestKeyPositions(t *testing.T) {
	for _, c := range []struct {
		data string
		want []int
	}{
		{"b,x,a\n1,2,3\n", []int{2, 0}},
		{"\"a\",\"b\"\n", []int{0, 1}},
		{"1,2\n3,4\n", nil},
		{"a,c\n", nil},
		{"", nil},
	} {
		if got := keyPositions([]byte(c.data), []string{"a", "b"}); !reflect.DeepEqual(got, c.want) {
			t.Errorf("key columns of %q at %v, want %v", c.data, got, c.want)
		}
	}
	if keyPositions([]byte("a\n"), nil) != nil {
		t.Error("a table without key has key columns")
	}
}

// TestReadKeys_badCSV is told with its line.
func TestReadKeys_badCSV(t *testing.T) {
	a := &app{streams: streams{in: strings.NewReader("\ufeffid,name\n1,x\n2\n")}}
	_, err := a.readKeys("-", []string{"id"})
	if !as[usageError](err) || !strings.Contains(err.Error(), "record on line 3: wrong number of fields") {
		t.Errorf("error %v", err)
	}
}

// TestPredict_rowCache compares the ways to hold rows: float32 gives the bits of none,
// half the size gives nearly the same.
func TestPredict_rowCache(t *testing.T) {
	inShop(t)
	copyTree(t, trained(t), ".rowlink")
	ask := func(cache string) []predictedJSON {
		return decode[predictDocument](t, rowlinkOK(t, "predict churn -q --json --all --at 2024-12-02 --row-cache "+cache)).Predictions
	}
	want := ask("off")
	if got := ask("float32"); !reflect.DeepEqual(got, want) {
		t.Error("float32 tables change predictions")
	}
	for cache, most := range map[string]float64{"float16": 0.002, "bfloat16": 0.02} {
		got, worst := ask(cache), 0.0
		for i, p := range got {
			worst = max(worst, math.Abs(*p.Probability-*want[i].Probability))
		}
		if worst == 0 || worst > most {
			t.Errorf("%s tables move probabilities by %g, want more than 0 and at most %g", cache, worst, most)
		}
	}
}

// TestPredict_interval asks for intervals in every form, over HTTP too: the same numbers.
func TestPredict_interval(t *testing.T) {
	inShop(t)
	rowlinkOK(t, "train spend.sql --db sqlite:shop.db -q --epochs 1 --fan-out 4,2 --width 8")
	const ask = "predict spend -q --key 10002 --key 10003 --interval 0.8"
	got := decode[predictDocument](t, rowlinkOK(t, ask+" --json"))
	text, file := rowlinkOK(t, ask), "spend.csv"
	rowlinkOK(t, ask+" --out "+file)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := "customer_id,anchor,prediction,lower,upper,eligible\n"; !strings.HasPrefix(string(data), want) || !strings.Contains(strings.Split(text, "\n")[0], "prediction  lower") {
		t.Errorf("csv\n%s\ntext\n%s", data, text)
	}
	d, err := rowlink.Open(t.Context(), rowlink.Options{Workspace: ".rowlink"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	b := &backend{db: d, log: slog.New(slog.DiscardHandler)}
	if err := b.refresh(t.Context(), func(string, error) {}); err != nil {
		t.Fatal(err)
	}
	req := server.PredictRequest{Task: "spend", Entities: []json.RawMessage{[]byte("10002"), []byte("10003")}, Interval: 0.8}
	answer, err := b.Predict(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range got.Predictions {
		v := p.Prediction.(float64)
		if p.Lower == nil || !(*p.Lower <= v && v <= *p.Upper) || !(*p.Upper > *p.Lower) || *p.Lower < 0 {
			t.Fatalf("the interval of %v is %v to %v", v, p.Lower, p.Upper)
		}
		if q := answer.Predictions[i]; len(q.Lower) != 1 || q.Lower[0] != *p.Lower || q.Upper[0] != *p.Upper {
			t.Errorf("over HTTP %v to %v, on the command line %v to %v", q.Lower, q.Upper, *p.Lower, *p.Upper)
		}
		if want := "," + exactText(v) + "," + exactText(*p.Lower) + "," + exactText(*p.Upper) + ","; !strings.Contains(string(data), want) {
			t.Errorf("csv has no %s:\n%s", want, data)
		}
	}
	req.Interval = 0.99999
	var invalid server.Invalid
	if _, err := b.Predict(t.Context(), req); !errors.As(err, &invalid) || invalid.Pointer != "/interval" {
		t.Errorf("a level beyond what validation can promise: %v", err)
	}
}
