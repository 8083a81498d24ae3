package quality

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/tasks"
)

// peersFile holds, in a store, what bench/peers/wide.py printed: LightGBM on the same
// as-of features, one JSON line per task.
const peersFile = "lightgbm.jsonl"

// Peer is what LightGBM reached on the as-of features of a case.
type Peer struct {
	Val, Test float64
}

// peers reads what a store knows of LightGBM, by the name of the case; nothing where it was
// not run.
func peers(dir string) (map[string]Peer, error) {
	f, err := os.Open(filepath.Join(dir, peersFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := map[string]Peer{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var line struct {
			File      string
			Val, Test float64
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		name := strings.TrimSuffix(line.File, ".parquet")
		if at := strings.LastIndexByte(name, '-'); at > 0 {
			out[name[:at]+"/"+name[at+1:]] = Peer{line.Val, line.Test}
		}
	}
	return out, lines.Err()
}

// beside compares what is served with LightGBM on the same features.
func (p *page) beside(found map[string]Peer) {
	if len(found) == 0 {
		return
	}
	p.print("\n## Beside LightGBM on the same features\n\n`rowlink features` wrote the features, `bench/peers/wide.py` fitted three shapes of trees on all of them with early stopping on validation; our trees keep\n" +
		"at most 300. Ahead is in standard errors of what is served.\n\n| task, regime | LightGBM, val | test | boosted trees here | served | ahead | served, refit |\n|---|--:|--:|--:|--:|--:|--:|\n")
	for i, c := range Cases() {
		r, lgb := p.results[i], found[c.Name()]
		if r == nil || lgb == (Peer{}) {
			continue
		}
		served, trees := find(r.Report, r.Report.Served), find(r.Report, "boosted trees on as-of features")
		if served == nil || trees == nil {
			continue
		}
		m := r.Report.Metric
		p.print("| %s | %s | %s | %s | %s | %s | %s |\n", c.Name(), figure(lgb.Val), figure(lgb.Test), figure(trees.Test[m]), value(served, m), ahead(r.Report, served, lgb.Test), refit(r.Report))
	}
}

// ahead is by how many of its standard errors a row is better than a figure.
func ahead(r *rowlink.Report, row *rowlink.Row, than float64) string {
	d := row.Test[r.Metric] - than
	if !better(r) {
		d = -d
	}
	if e := row.Errors[tasks.Test.String()]; e > 0 {
		return fmt.Sprintf("%+.1f", d/e)
	}
	return "-"
}
