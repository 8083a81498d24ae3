// Package archtest owns the rules about the shape of the repository: which package
// may import which, where each third-party module lives, one package comment per
// package, init functions that do nothing but register, file names, and go.mod without
// replace. The rules are data ([Ranks], [Homes]); [Check] reads a tree by walking
// and parsing it in this process, so that a cached answer of another tool can never
// pass for a check.
package archtest

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
)

// Rules are what [Check] holds a tree to. The zero value allows no package at all.
type Rules struct {
	Module  string               // module path of the tree
	Ranks   []Rank               // every package must match one entry
	Homes   []Home               // every third-party module must match one entry
	Support []string             // packages that only tests and other support packages may import
	Pairs   map[[2]string]string // {importer, imported} of equal rank that is allowed -> the reason
}

// Rank gives the rank of a package, or of every package one level below a folder
// ("ingest/*"). The exact entry wins over the pattern.
type Rank struct {
	Package string // relative to the module; "." is the root
	Rank    int
}

// Home says which packages may import a third-party module outside of tests.
type Home struct {
	Module   string
	Packages []string // exact names; "*" = everywhere; none = tests only
	Why      string   // what the module is for
}

// A Finding is one broken rule: where, what was found, and what to write instead.
type Finding struct{ Where, Text string }

func (f Finding) String() string { return f.Where + ": " + f.Text }

// Check returns every broken rule of the tree in the order of their places. The
// error is about reading or parsing the tree, not about rules.
func Check(fsys fs.FS, rules Rules) ([]Finding, error) {
	t, err := scan(fsys)
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, check := range []func(*tree, Rules) []Finding{
		checkRanks, checkHomes, checkComments, checkInits, checkNames, checkModule,
	} {
		out = append(out, check(t, rules)...)
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(out), nil
}

func finding(where, format string, args ...any) Finding {
	return Finding{where, fmt.Sprintf(format, args...)}
}
