package tql

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ruleTests are tests outside of this package that hold a part of a rule, or what the
// reference leaves open about it.
var ruleTests = map[string]string{
	"R1":  "AT of a prediction: scripts stored_predict, query of cmd/rowlink",
	"R3":  "keys asked for, TK404, TK409: TestPredict_eligibility, script predict of server",
	"R7":  "TestExecutor_oracle, TestSQL_random",
	"R12": "features: TestLeak_everyLayer, TestLeak_training, TestLeak_static, TestForward_future, TestRank_leak",
	"R15": "candidates: TestRank_excludeSeen, TestRank_leak",
	"R16": "TestForecast_oracle, TestLeak_forecast",
	"R18": "on Postgres: TestLabels_censored, TestCheck",
	"R20": "features: TestLeak_frozen",
}

var ruleHead = regexp.MustCompile(`^-- (R\d+): (.*)`)

// rulesTable runs the scripts of the rules in memory and says what they found: the cases of
// each, by whom their labels were computed, and whether all agreed.
func rulesTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("\n## Rules\n\nOne script for each rule, in tasks/tql/testdata/rules. TestRules runs it in memory (with one thread and with four) and by the naive executor, which shares no\n" +
		"code with it; TestRules_postgres runs the lowered SQL beside.\n\n" +
		"| rule | what it says | script | cases | labels computed by | result | also held by |\n|---|---|---|---|---|---|---|\n")
	for _, file := range ruleFiles(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		head := ruleHead.FindStringSubmatch(string(data))
		if head == nil {
			t.Fatalf("%s does not begin with its rule", file)
		}
		cases, by, wrong := 0, map[string]int{}, 0
		r := &ruleRun{}
		for c := range strings.SplitSeq(strings.TrimSuffix(string(data), "====\n"), "====\n") {
			input, want, isCase := strings.Cut(c, "----\n")
			if !isCase {
				r.w = readWorld(t, input)
				continue
			}
			got, err := r.run(t, strings.TrimSuffix(input, "\n"))
			if cases++; err != nil || got+"\n" != want {
				wrong++
			}
			if _, list, ok := strings.Cut(got, "checked: "); ok {
				for _, who := range strings.Split(list, ", ") {
					who, _, _ = strings.Cut(who, " (")
					by[who]++
				}
			}
		}
		result := "as written"
		if wrong > 0 {
			result = fmt.Sprintf("%d cases differ", wrong)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %d | %s | %s | %s |\n", head[1], cellText(head[2]), filepath.Base(file), cases, countedText(by), result, ruleTests[head[1]])
	}
	return b.String()
}

// countedText lists who computed labels, each with the number of cases.
func countedText(by map[string]int) string {
	var out []string
	for _, who := range []string{"memory", "naive executor", "Postgres", "not on Postgres", "embedded SQLite"} {
		if by[who] > 0 {
			out = append(out, fmt.Sprintf("%s %d", who, by[who]))
		}
	}
	return strings.Join(out, ", ")
}

// TestRules_all holds that no rule is without a script, and that the tests exist which the
// page names.
func TestRules_all(t *testing.T) {
	var have []string
	for _, file := range ruleFiles(t) {
		have = append(have, filepath.Base(file)[:3])
	}
	for n := 1; n <= 21; n++ {
		if name := fmt.Sprintf("r%02d", n); !slices.Contains(have, name) {
			t.Errorf("no script %s", name)
		}
	}
	declared := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path)
		for _, m := range testFunc.FindAllStringSubmatch(string(data), -1) {
			declared[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for rule, names := range ruleTests {
		for _, name := range testName.FindAllString(names, -1) {
			if !declared[name] {
				t.Errorf("%s names %s, which is no test", rule, name)
			}
		}
	}
}

var (
	testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	testName = regexp.MustCompile(`Test\w+`)
)
