package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A batch goes on from the shards that are there: what they hold is taken, what is torn, of
// another anchor or missing is answered again, and the file comes out the same.
func TestPredict_shards(t *testing.T) {
	inShop(t)
	copyTree(t, trained(t), ".rowlink")
	defer func(n int) { shardRows = n }(shardRows)
	shardRows = 40
	batch := func(out string, more ...string) string {
		command(t, append([]string{"predict", "churn", "--all", "--quiet", "--version", "1", "--shards", "shards", "--out", out}, more...)...)
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	command(t, "predict", "churn", "--all", "--quiet", "--version", "1", "--out", "whole.csv")
	whole, err := os.ReadFile("whole.csv")
	if err != nil {
		t.Fatal(err)
	}
	if got := batch("a.csv"); got != string(whole) {
		t.Fatal("in shards other predictions come out")
	}
	files := glob(filepath.Join("shards", "*.json"))
	if len(files) < 3 {
		t.Fatalf("shards %q", files)
	}
	// as after a crash: the last is missing, the second is torn, and to know that the first
	// is read, it holds a mark
	if err := os.Remove(files[len(files)-1]); err != nil {
		t.Fatal(err)
	}
	change := func(file string, f func([]byte) []byte) {
		data, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(file, f(data), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	change(files[1], func(data []byte) []byte { return data[:len(data)/2] })
	change(files[0], func(data []byte) []byte {
		at := bytes.Index(data, []byte(`"probability":`)) + len(`"probability":`)
		end := at + bytes.IndexByte(data[at:], ',')
		return slices.Concat(data[:at], []byte("0.123456789"), data[end:])
	})
	got := batch("b.csv")
	want, have := strings.Split(string(whole), "\n"), strings.Split(got, "\n")
	if len(want) != len(have) || !strings.Contains(have[1], "0.123456789") || !slices.Equal(want[2:], have[2:]) {
		t.Errorf("resumed:\n%.300s\nwhole:\n%.300s", got, whole)
	}
	// the shards are of one anchor
	early := batch("c.csv", "--at", "2024-06-01")
	if strings.Contains(early, "0.123456789") || strings.Count(early, "2024-06-01 00:00:00") < 2 {
		t.Errorf("at another anchor:\n%.300s", early)
	}
}
