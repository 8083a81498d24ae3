package tql

import (
	"go/ast"
	goparser "go/parser"
	gotoken "go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestPage demands that docs/language.md has an accepted example of every construct: of each
// keyword, symbol, unit, aggregate, function and task option in the language's tables, of each
// kind of token, and of each field of the syntax tree, so that a grammar that grows without an
// example fails. That the examples run is the test of cmd/rowlink.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := &tree{fields: map[string]bool{}, kinds: map[string]map[int64]bool{}}
	words, options, symbolsSeen, tokens, raw := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[tokenKind]bool{}, ""
	for _, part := range strings.Split(string(page), "```sql\n")[1:] {
		text, _, ok := strings.Cut(part, "```")
		if !ok || strings.HasPrefix(text, "-- fails with ") {
			continue
		}
		raw += text
		script, err := Parse(text)
		if err != nil {
			t.Errorf("%v:\n%s", err, text)
			continue
		}
		for _, s := range script.Statements {
			seen.walk(reflect.ValueOf(s))
		}
		toks, _ := lex(text)
		for i, tok := range toks {
			tokens[tok.kind] = true
			switch {
			case tok.kind == tokSymbol:
				symbolsSeen[tok.text] = true
			case tok.kind == tokWord && toks[i+1].text == "(":
				words[tok.upper+"("] = true
				words[tok.upper] = true
			case tok.kind == tokWord && toks[i+1].text == "=":
				options[strings.ToLower(tok.text)] = true
				words[tok.upper] = true
			case tok.kind == tokWord:
				words[tok.upper] = true
			}
			if tok.kind == tokString && i > 0 { // '30 days' holds a unit
				for _, w := range strings.Fields(tok.text) {
					words[upper(w)] = true
				}
			}
		}
	}
	var missing []string
	need := func(there bool, what string) {
		if !there {
			missing = append(missing, what)
		}
	}
	for _, w := range slices.Concat(reserved, contextual) {
		need(words[w], w)
	}
	for _, f := range callable() {
		need(words[strings.ToUpper(f)+"("], f+"()")
	}
	for _, u := range unitNames[1:] {
		need(words[strings.ToUpper(u)] || words[strings.ToUpper(strings.TrimSuffix(u, "s"))], "unit "+u)
	}
	for _, o := range TaskOptions() {
		need(options[o], "option "+o)
	}
	for _, s := range symbols {
		need(symbolsSeen[s], "symbol "+s)
	}
	for k, name := range map[tokenKind]string{tokDouble: `"name"`, tokBack: "`name`", tokString: "'text'", tokDollar: "$$text$$", tokInt: "42", tokDecimal: "1.5", tokTime: "2020-01-31"} {
		need(tokens[k], name)
	}
	for _, s := range []string{"\n-- ", "# ", "/* ", "E'", "$entities$"} {
		need(strings.Contains(raw, s), strings.TrimSpace(s))
	}
	fields, kinds := grammar(t)
	for _, f := range fields {
		need(seen.fields[f], "field "+f+" of the syntax tree")
	}
	for kind, names := range kinds {
		for i, name := range names {
			need(seen.kinds[kind][int64(i)] || notAccepted[name] != "", kind+" "+name)
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		t.Errorf("docs/language.md has no accepted example of:\n%s", strings.Join(missing, "\n"))
	}
	if len(fields) < 60 || len(kinds) < 5 {
		t.Errorf("%d fields and %d kinds were found in the source: is this the syntax tree?", len(fields), len(kinds))
	}
}

// tree collects what occurs in syntax trees: fields that are set, and values of kinds.
type tree struct {
	fields map[string]bool
	kinds  map[string]map[int64]bool
}

func (s *tree) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			s.walk(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			s.walk(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				continue
			}
			if !v.Field(i).IsZero() {
				s.fields[v.Type().Name()+"."+f.Name] = true
			}
			s.walk(v.Field(i))
		}
	case reflect.Uint8:
		name := v.Type().Name()
		if s.kinds[name] == nil {
			s.kinds[name] = map[int64]bool{}
		}
		s.kinds[name][int64(v.Uint())] = true
	}
}

// notWritten are fields that no text sets by itself, each with the reason.
var notWritten = map[string]string{
	"Base.Loc":        "a place",
	"Base.Incomplete": "of faulty texts only",
	"Base.Notices":    "not part of the text",
	"Bad.Loc":         "of faulty texts only",
}

// notAccepted are kinds that the parser reads only to say what is wrong.
var notAccepted = map[string]string{"SpecTop": "TOP without RANK or CLASSIFY is TK171"}

// grammar reads the syntax tree out of the source: the fields of the types that print
// themselves, and the constants of the kinds that those fields have, in order.
func grammar(t *testing.T) (fields []string, kinds map[string][]string) {
	t.Helper()
	structs, printed, consts := map[string]*ast.StructType{}, map[string]bool{}, map[string][]string{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := goparser.ParseFile(gotoken.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.Name == "print" && d.Recv != nil {
					if star, ok := d.Recv.List[0].Type.(*ast.StarExpr); ok {
						printed[star.X.(*ast.Ident).Name] = true
					}
				}
			case *ast.GenDecl:
				of := ""
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						if st, ok := spec.Type.(*ast.StructType); ok {
							structs[spec.Name.Name] = st
						}
					case *ast.ValueSpec:
						if id, ok := spec.Type.(*ast.Ident); ok && d.Tok == gotoken.CONST {
							of = id.Name
						}
						if of != "" {
							consts[of] = append(consts[of], spec.Names[0].Name)
						}
					}
				}
			}
		}
	}
	kinds = map[string][]string{}
	for name := range printed {
		if structs[name] == nil {
			continue
		}
		for _, f := range structs[name].Fields.List {
			for _, n := range f.Names {
				id, plain := f.Type.(*ast.Ident)
				if plain && consts[id.Name] != nil {
					kinds[id.Name] = consts[id.Name]
					continue // its values are asked for one by one
				}
				if full := name + "." + n.Name; n.IsExported() && notWritten[full] == "" {
					fields = append(fields, full)
				}
			}
		}
	}
	slices.Sort(fields)
	return fields, kinds
}
