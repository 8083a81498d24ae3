package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

//go:embed peers.py
var peersScript string

// peerTools are the tools of peers.py, which read the large table into their own memory.
var peerTools = []string{"duckdb", "connectorx", "pandas"}

// peers measures the tools once each, and pg_dump, beside the rounds. Their imports and
// connections are not counted.
func peers(python, url string) error {
	for _, tool := range peerTools {
		cmd := exec.Command(python, "-", tool, url, "bench_orders")
		cmd.Stdin, cmd.Stderr = strings.NewReader(peersScript), os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("%s: %w", tool, err)
		}
		if err := tell(tool, json.RawMessage(out)); err != nil {
			return err
		}
	}
	file, err := os.CreateTemp("", "read-*.dump")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	dump := exec.Command("pg_dump", "-Fc", "-t", "bench_orders", url) // to standard output: nothing is flushed to the disk
	dump.Stdout = file
	u, err := run(dump)
	if err != nil {
		return err
	}
	return tell("pg_dump", u)
}

func tell(tool string, figures any) error {
	text, err := json.Marshal(map[string]any{tool: figures})
	if err != nil {
		return err
	}
	fmt.Println(string(text))
	return nil
}
