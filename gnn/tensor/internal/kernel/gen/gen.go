// Package gen writes the assembly of package kernel: one file per family of
// kernels, each family described once and printed for every vector width that it
// supports. Nothing of it is linked into the program; package kernel's
// "go generate" runs it, and tests compare its output with the committed files.
package gen

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"

	"github.com/rowlink/rowlink/internal/registry"
)

// families maps the name of an assembly file to what builds its functions.
var families = registry.New[func(*build.Context)]("assembly file")

// constraint is the build tag of every assembly file: other machines, double
// precision and -tags noasm use the plain Go twins.
const constraint = "amd64,!noasm,!real64"

// Files returns the names of all assembly files.
func Files() []string { return families.Names() }

// Compile returns the functions of one assembly file with registers assigned.
func Compile(file string) (*ir.File, error) {
	describe, err := families.Get(file)
	if err != nil {
		return nil, err
	}
	ctx := build.NewContext()
	ctx.ConstraintExpr(constraint)
	describe(ctx)
	f, err := ctx.Result()
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", file, err)
	}
	if err := pass.Compile.Execute(f); err != nil {
		return nil, fmt.Errorf("compile %s: %w", file, err)
	}
	return f, nil
}

// Print returns the text of one assembly file.
func Print(file string) ([]byte, error) {
	f, err := Compile(file)
	if err != nil {
		return nil, err
	}
	return printer.NewGoAsm(printer.Config{Argv: []string{"go", "generate"}, Pkg: "kernel"}).Print(f)
}
