package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"unicode/utf8"
)

// paged prints a text that is longer than the terminal through $PAGER, else less, as psql
// does; PAGER set to nothing prints it as it is.
func paged(out io.Writer, text []byte) error {
	f, ok := out.(*os.File)
	if !ok {
		_, err := out.Write(text)
		return err
	}
	rows, columns := terminalSize(f)
	if rows == 0 || rowsOf(text, columns) < rows {
		_, err := out.Write(text)
		return err
	}
	command, set := os.LookupEnv("PAGER")
	if !set {
		command = "less"
	}
	words := strings.Fields(command)
	if len(words) == 0 {
		_, err := out.Write(text)
		return err
	}
	pager := exec.Command(words[0], words[1:]...)
	pager.Stdin, pager.Stdout, pager.Stderr = bytes.NewReader(text), f, os.Stderr
	pager.Env = os.Environ()
	if _, set := os.LookupEnv("LESS"); !set {
		pager.Env = append(pager.Env, "LESS=FRSX") // quit where one screen holds it, colours, long lines cut, leave the text
	}
	if pager.Start() != nil { // there is no such program
		_, err := out.Write(text)
		return err
	}
	_ = pager.Wait() // it ends as the user ends it
	return nil
}

// rowsOf counts the rows of a terminal of so many columns that a text fills.
func rowsOf(text []byte, columns int) int {
	rows := 0
	for line := range bytes.Lines(text) {
		n := utf8.RuneCount(bytes.TrimRight(line, "\n"))
		rows += 1 + max(0, n-1)/max(1, columns)
	}
	return rows
}
