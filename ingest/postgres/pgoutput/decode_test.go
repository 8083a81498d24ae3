package pgoutput

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var rewrite = flag.Bool("update", false, "rewrite testdata/changes.txt")

// captured returns the messages that a real server (Postgres 15) sent for testdata/changes.sql.
func captured(t testing.TB) [][]byte {
	t.Helper()
	text, err := os.ReadFile("testdata/changes.hex")
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for _, line := range strings.Fields(string(text)) {
		b, err := hex.DecodeString(line)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

func show(m Message) string {
	s := strings.ReplaceAll(fmt.Sprintf("%T %+v", m, m), "*pgoutput.", "")
	return strings.ReplaceAll(s, strings.TrimSpace(strings.Repeat("120 ", 2100)), "2100 times 120")
}

func TestDecode_captured(t *testing.T) {
	var got strings.Builder
	for _, b := range captured(t) {
		m, err := Decode(b)
		if err != nil {
			t.Fatalf("% x: %v", b, err)
		}
		fmt.Fprintln(&got, show(m))
	}
	const golden = "testdata/changes.txt"
	if *rewrite {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("decoded:\n%s\nwant:\n%s", got.String(), want)
	}
}

// A message that is cut short anywhere, or has a byte too many, must not pass for a shorter one.
func TestDecode_cutOrLonger(t *testing.T) {
	for _, b := range captured(t) {
		for n := range b {
			if m, err := Decode(b[:n]); err == nil {
				t.Fatalf("%d of %d bytes decoded as %s", n, len(b), show(m))
			}
		}
		if m, err := Decode(append(b[:len(b):len(b)], 0)); err == nil {
			t.Fatalf("a byte too many decoded as %s", show(m))
		}
	}
}

func TestDecode_refuses(t *testing.T) {
	for name, b := range map[string]string{
		"stream start, version 2":  "S\x00\x00\x00\x01\x01",
		"insert without new row":   "I\x00\x00\x00\x01O\x00\x00",
		"delete with new row":      "D\x00\x00\x00\x01N\x00\x00",
		"unknown kind of value":    "I\x00\x00\x00\x01N\x00\x01x",
		"length past the end":      "I\x00\x00\x00\x01N\x00\x01t\xff\xff\xff\xffa",
		"unknown flag of truncate": "T\x00\x00\x00\x00\x04",
	} {
		if m, err := Decode([]byte(b)); err == nil {
			t.Errorf("%s: decoded as %s", name, show(m))
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, b := range captured(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if (m == nil) != (err != nil) {
			t.Fatalf("message %v with error %v", m, err)
		}
	})
}
