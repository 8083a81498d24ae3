package tasks_test

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/internal/testdata"
	"github.com/rowlink/rowlink/tasks"
)

// The metrics equal those of an independent program.
func TestRankingMetrics_golden(t *testing.T) {
	text, err := os.ReadFile(testdata.Path(t, "golden", "metrics", "recommendation.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Cases []struct {
			Name      string                        `json:"name"`
			Predicted [][]int32                     `json:"predicted"`
			True      [][]int32                     `json:"true"`
			Expected  map[string]map[string]float64 `json:"expected_at_k"`
		} `json:"cases"`
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, c := range golden.Cases {
		for at, want := range c.Expected {
			k, err := strconv.Atoi(at)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range tasks.RankingMetricNames() {
				m, err := tasks.RankingMetricByName(name)
				if err != nil {
					t.Fatal(err)
				}
				if got := m.Compute(c.True, c.Predicted, k); math.Abs(got-want[name]) > 1e-7 {
					t.Errorf("%s: %s at %d is %.9f, want %.9f", c.Name, name, k, got, want[name])
				}
				compared++
			}
		}
	}
	if compared < 40 {
		t.Errorf("%d values compared, want at least 40", compared)
	}
}

func TestRankingMetricByName(t *testing.T) {
	if m, err := tasks.RankingMetricByName(""); err != nil || m.Name != "map" {
		t.Errorf("the default is %q, %v", m.Name, err)
	}
	if _, err := tasks.RankingMetricByName("mapp"); err == nil || !strings.Contains(err.Error(), "have map, precision") {
		t.Errorf("an unknown metric gives %v", err)
	}
	m, _ := tasks.RankingMetricByName("map")
	if v := m.Compute([][]int32{nil}, [][]int32{{1}}, 3); !math.IsNaN(v) {
		t.Errorf("without truth %v, want undefined", v)
	}
}
