//go:build ignore

// This program writes the assembly files of this folder; "go generate" runs it.
package main

import (
	"log"
	"os"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel/gen"
)

func main() {
	for _, file := range gen.Files() {
		text, err := gen.Print(file)
		if err == nil {
			err = os.WriteFile(file, text, 0o644)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
}
