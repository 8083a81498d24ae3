package tasks

import (
	"testing"
	"time"
)

var unknown = &Literal{Null: true}

func truth(b bool) Expr {
	l := &Literal{Kind: KindBool}
	if b {
		l.Num = 1
	}
	return l
}

func moment(t testing.TB, s string) Expr { return &Literal{Kind: KindTime, Time: read(t, s)} }

// TestOps lists the operators with results as PostgreSQL gives them.
func TestOps(t *testing.T) {
	at := func(s string) Expr { return moment(t, s) }
	for _, test := range []struct {
		expr *Call
		want string
	}{
		{call("and", unknown, truth(false)), "false"},
		{call("and", unknown, truth(true)), "NULL"},
		{call("or", unknown, truth(true)), "true"},
		{call("or", unknown, truth(false)), "NULL"},
		{call("not", unknown), "NULL"},
		{call("not", truth(false)), "true"},
		{call("=", unknown, unknown), "NULL"},
		{call("is", unknown, unknown), "true"},
		{call("is not", unknown, lit(1)), "true"},
		{call("is", lit(1), lit(1)), "true"},
		{call("<", litText("B"), litText("a")), "true"}, // bytes, not a language's order
		{call("<", litText("z"), litText("ä")), "true"},
		{call("=", litText("1"), lit(1)), "NULL"},
		{call(">=", lit(2), lit(2)), "true"},
		{call("<>", truth(true), lit(1)), "false"},
		{call("in", lit(1), lit(2), unknown), "NULL"},
		{call("in", lit(1), lit(1), unknown), "true"},
		{call("in", lit(1), lit(2), lit(3)), "false"},
		{call("coalesce", unknown, lit(7)), "7"},
		{call("coalesce", unknown, unknown), "NULL"},
		{call("least", lit(3), unknown, lit(2)), "2"},
		{call("greatest", unknown, unknown), "NULL"},
		{call("greatest", litText("a"), litText("b")), "b"},
		{call("/", lit(7), lit(2)), "3.5"},
		{call("/", lit(7), lit(0)), "NULL"},
		{call("+", lit(1), unknown), "NULL"},
		{call("*", lit(1e200), lit(1e200)), "NULL"}, // no run-time error: out of range is NULL
		{call("-", at("2023-01-02"), at("2023-01-01")), "86400"},
		{call("+", at("2023-01-01"), lit(3600)), "2023-01-01 01:00:00"},
		{call("-", at("2023-01-01"), lit(86400)), "2022-12-31"},
		{call("neg", lit(3)), "-3"},
		{call("abs", lit(-2.5)), "2.5"},
		{call("abs", litText("x")), "NULL"},
		{call("round", lit(2.5)), "3"},
		{call("round", lit(-2.5)), "-3"},
		{call("round", lit(3.14159), lit(2)), "3.14"},
		{call("ln", lit(0)), "NULL"},
		{call("ln", lit(1)), "0"},
		{call("log", lit(1000)), "3"},
		{call("log", lit(-1)), "NULL"},
		{call("length", litText("für")), "3"},
		{call("lower", litText("ÄB")), "äb"},
		{call("upper", litText("äb")), "ÄB"},
		{call("contains", litText("banana"), litText("nan")), "true"},
		{call("starts", litText("banana"), litText("ba")), "true"},
		{call("ends", litText("banana"), litText("ba")), "false"},
		{call("like", litText("banana"), litText("b%na")), "true"},
		{call("like", litText("banana"), litText("b_n")), "false"},
		{call("like", litText("für"), litText("f_r")), "true"},
		{call("like", litText("100%"), litText(`100\%`)), "true"},
		{call("like", litText("1000"), litText(`100\%`)), "false"},
		{call("like", litText("aXbXc"), litText("%X%c")), "true"},
		{call("like", litText(""), litText("%")), "true"},
		{call("like", litText("A"), litText("a")), "false"},
		{call("ilike", litText("BANANA"), litText("b%A")), "true"},
		{call("like", unknown, litText("%")), "NULL"},
		{call("date_part", litText("year"), at("2023-07-05 13:45:30")), "2023"},
		{call("date_part", litText("hour"), at("2023-07-05 13:45:30")), "15"}, // Berlin
		{call("date_part", litText("dow"), at("2023-07-09 12:00:00")), "0"},
		{call("date_part", litText("isodow"), at("2023-07-09 12:00:00")), "7"},
		{call("date_part", litText("week"), at("2021-01-01 12:00:00")), "53"},
		{call("date_part", litText("quarter"), at("2023-07-05")), "3"},
		{call("date_part", litText("doy"), at("2023-02-01 12:00:00")), "32"},
		{call("date_part", litText("epoch"), at("1970-01-02")), "86400"},
		{call("date_part", litText("second"), at("2023-07-05 13:45:30.5")), "30.5"},
		{call("date_part", litText("century"), at("2023-07-05")), "NULL"},
	} {
		c := &compiler{ctx: &opContext{&Options{Zone: zone(t, "Europe/Berlin")}}}
		n, err := c.compile(test.expr)
		if err != nil {
			t.Errorf("%s: %v", show(test.expr), err)
			continue
		}
		if have := n(&frame{}).String(); have != test.want {
			t.Errorf("%s = %s, want %s", show(test.expr), have, test.want)
		}
	}
}

func TestOps_arguments(t *testing.T) {
	for _, test := range []struct {
		expr Expr
		want string
	}{
		{call("frobnicate", lit(1)), `unknown operator "frobnicate"`},
		{call("=", lit(1)), "= has 1 arguments, want 2"},
		{call("round"), "round has 0 arguments, want 1 or 2"},
		{call("in", lit(1)), "in has 1 arguments, want at least 2"},
	} {
		_, err := (&compiler{}).compile(test.expr)
		if err == nil || err.Error() != test.want {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
}

func TestLocalTime(t *testing.T) {
	gap := time.Date(2024, 3, 31, 2, 30, 0, 0, time.UTC)
	if have, want := LocalTime(zone(t, "Europe/Berlin"), gap), read(t, "2024-03-31 03:30:00+02:00"); have != want {
		t.Errorf("%s, want %s", formatTime(have), formatTime(want))
	}
}
