package bench

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/graph/sample"
)

// f1Tables are the nine tables of rel-f1: the file of each, its key, and the columns
// that point to other tables, in the order of f1Tables themselves.
var f1Tables = []struct {
	name, file, key string
	dated           bool
	links           [][2]string // column, table
}{
	{"circuits", "circuits", "circuitId", false, nil},
	{"constructors", "constructors", "constructorId", false, nil},
	{"drivers", "drivers", "driverId", false, nil},
	{"races", "races", "raceId", true, [][2]string{{"circuitId", "circuits"}}},
	{"results", "results", "resultId", true, [][2]string{{"raceId", "races"}, {"driverId", "drivers"}, {"constructorId", "constructors"}}},
	{"standings", "driver_standings", "driverStandingsId", true, [][2]string{{"raceId", "races"}, {"driverId", "drivers"}}},
	{"constructor_results", "constructor_results", "constructorResultsId", true, [][2]string{{"raceId", "races"}, {"constructorId", "constructors"}}},
	{"constructor_standings", "constructor_standings", "constructorStandingsId", true, [][2]string{{"raceId", "races"}, {"constructorId", "constructors"}}},
	{"qualifying", "qualifying", "qualifyId", true, [][2]string{{"raceId", "races"}, {"driverId", "drivers"}, {"constructorId", "constructors"}}},
}

// Anchors and horizon of driver-position as RelBench sets them.
var (
	f1Val     = time.Date(2005, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	f1Test    = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	f1Horizon = (60 * 24 * time.Hour).Microseconds()
)

// referenceFile finds a file of the reference data, which lies outside the repository:
// in $ROWLINK_TESTDATA, or in the folder "shared" beside the repository.
func referenceFile(elem ...string) (string, error) {
	dirs := []string{os.Getenv("ROWLINK_TESTDATA"), filepath.Join("..", "shared"), filepath.Join("..", "..", "shared")}
	for _, dir := range dirs {
		path := filepath.Join(append([]string{dir}, elem...)...)
		if _, err := os.Stat(path); dir != "" && err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no reference file %s: set ROWLINK_TESTDATA to the folder that holds data/", filepath.Join(elem...))
}

// csvRows reads a file with a header into one map per row.
func csvRows(path string) ([]map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	rows := make([]map[string]string, len(all)-1)
	for i, cells := range all[1:] {
		rows[i] = make(map[string]string, len(cells))
		for c, name := range all[0] {
			rows[i][name] = cells[c]
		}
	}
	return rows, nil
}

// f1Row is one row before it has a number.
type f1Row struct {
	cells map[string]string
	at    int64
}

// f1Load builds the graph from the CSV files, each table in the order of its times,
// and the training seeds of driver-position: every driver with a result within 60 days
// after an anchor, at the anchors 60 days apart before 2005.
func f1Load() (*samplerLoad, error) {
	races, err := f1RaceTimes()
	if err != nil {
		return nil, err
	}
	l := newLinked()
	number := map[string]map[string]int32{} // table and key -> row
	load := &samplerLoad{fan: []int{128, 64}}
	for _, t := range f1Tables {
		rows, err := f1Rows(t.file, t.name, t.dated, races)
		if err != nil {
			return nil, err
		}
		number[t.name] = map[string]int32{}
		var times []int64
		for i, r := range rows {
			number[t.name][r.cells[t.key]] = int32(i)
			if t.dated {
				times = append(times, r.at)
			}
		}
		at := l.table(t.name, len(rows), times)
		for _, link := range t.links {
			parents := make([]int32, len(rows))
			for i, r := range rows {
				p, ok := number[link[1]][r.cells[link[0]]]
				if !ok {
					p = -1
				}
				parents[i] = p
			}
			l.link(at, l.snap.Schema.Table(link[1]), link[0], parents)
			if t.name == "results" && link[1] == "drivers" {
				load.seeds = f1Seeds(times, parents)
			}
		}
	}
	load.entity = l.snap.Schema.Table("drivers")
	load.graph, err = graph.Build(l.snap)
	load.shuffle()
	return load, err
}

// f1RaceTimes gives the start of each race by its key.
func f1RaceTimes() (map[string]int64, error) {
	path, err := referenceFile("data", "f1", "races.csv")
	if err != nil {
		return nil, err
	}
	rows, err := csvRows(path)
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for _, r := range rows {
		clock := r["time"]
		if clock == "" || clock == `\N` {
			clock = "00:00:00"
		}
		at, err := time.Parse(time.DateTime, r["date"]+" "+clock)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		out[r["raceId"]] = at.UnixMicro()
	}
	return out, nil
}

// f1Rows reads a table with the rows that are known at the test anchor, by time.
func f1Rows(file, table string, dated bool, races map[string]int64) ([]f1Row, error) {
	path, err := referenceFile("data", "f1", file+".csv")
	if err != nil {
		return nil, err
	}
	cells, err := csvRows(path)
	if err != nil {
		return nil, err
	}
	var rows []f1Row
	for _, c := range cells {
		r := f1Row{cells: c, at: races[c["raceId"]]}
		if table == "qualifying" {
			r.at -= (24 * time.Hour).Microseconds() // held the day before the race
		}
		if id, _ := strconv.Atoi(c["driverId"]); dated && r.at > f1Test || table == "drivers" && id > 858 {
			continue
		}
		rows = append(rows, r)
	}
	if dated {
		slices.SortStableFunc(rows, func(a, b f1Row) int { return cmp.Compare(a.at, b.at) })
	}
	return rows, nil
}

// f1Seeds lists driver and anchor of each training example; results ascend in time.
func f1Seeds(times []int64, driver []int32) []sample.Seed {
	var seeds []sample.Seed
	for at := f1Val - f1Horizon; at >= times[0]; at -= f1Horizon {
		seen := map[int32]bool{}
		for i, t := range times {
			if d := driver[i]; t > at && t <= at+f1Horizon && !seen[d] {
				seen[d] = true
				seeds = append(seeds, sample.Seed{Row: d, At: at, Key: uint64(len(seeds))})
			}
		}
	}
	return seeds
}
