package archtest

import (
	"go/ast"
	"path"
	"slices"
	"strings"
)

// checkComments demands exactly one package comment per package, outside of tests.
func checkComments(t *tree, _ Rules) []Finding {
	var out []Finding
	for _, p := range t.packages {
		var have []string
		code := 0
		for _, f := range p.files {
			if f.test {
				continue
			}
			code++
			if f.syntax.Doc != nil && strings.TrimSpace(f.syntax.Doc.Text()) != "" {
				have = append(have, path.Base(f.path))
			}
		}
		switch {
		case code == 0 || len(have) == 1:
		case len(have) == 0:
			out = append(out, finding(p.dir, "no package comment; write one above the package clause of one file, saying what the package owns"))
		default:
			out = append(out, finding(p.dir, "package comments in %s; keep one and put an empty line under the others", strings.Join(have, ", ")))
		}
	}
	return out
}

// checkInits allows init functions nothing but registrations: calls of Add or
// Register, also in a loop over a table.
func checkInits(t *tree, _ Rules) []Finding {
	var out []Finding
	for _, p := range t.packages {
		for _, f := range p.files {
			for _, d := range f.syntax.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if ok && fn.Recv == nil && fn.Name.Name == "init" && !registers(fn.Body) {
					out = append(out, finding(f.at(fn.Pos()), "init does more than register; keep only calls of Add or Register in it and do the work in a constructor or behind sync.OnceValue"))
				}
			}
		}
	}
	return out
}

// registers reports whether a block has statements and all of them register.
func registers(block *ast.BlockStmt) bool {
	for _, stmt := range block.List {
		switch stmt := stmt.(type) {
		case *ast.RangeStmt:
			if !registers(stmt.Body) {
				return false
			}
		case *ast.ExprStmt:
			call, ok := stmt.X.(*ast.CallExpr)
			if !ok || !registering(callee(call)) {
				return false
			}
		default:
			return false
		}
	}
	return len(block.List) > 0
}

// callee returns the name of the function that is called, without its package.
func callee(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

func registering(name string) bool {
	name = strings.ToLower(name)
	return name == "add" || name == "register"
}

// vague are words that say nothing about what a file or package owns.
var vague = []string{"util", "utils", "common", "helper", "helpers", "manager", "managers", "misc"}

// checkNames refuses files and folders named after nothing.
func checkNames(t *tree, _ Rules) []Finding {
	var out []Finding
	for _, p := range t.packages {
		if slices.Contains(vague, path.Base(p.dir)) {
			out = append(out, finding(p.dir, "package %q is named after nothing; name it by the noun that it owns", path.Base(p.dir)))
		}
		for _, f := range p.files {
			for word := range strings.SplitSeq(strings.TrimSuffix(path.Base(f.path), ".go"), "_") {
				if slices.Contains(vague, word) {
					out = append(out, finding(f.path, "a file named %q collects what has no place; name it by the noun that it owns, one idea each", word))
				}
			}
		}
	}
	return out
}

// checkModule refuses replace directives: a clone must build what go.mod names.
func checkModule(t *tree, _ Rules) []Finding {
	for line := range strings.Lines(t.goMod) {
		if f := strings.Fields(line); len(f) > 0 && f[0] == "replace" {
			return []Finding{finding("go.mod", "%s: no replace directives; require a released version, or use a go.work file that is not committed", strings.TrimSpace(line))}
		}
	}
	return nil
}
