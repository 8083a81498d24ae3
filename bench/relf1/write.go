// Package relf1 owns RelBench's rel-f1 as this repository reads it: the nine tables as
// a SQLite file made from the plain Ergast CSV files, its snapshot, and the text of the
// task driver-position.
package relf1

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// The published snapshot ends before this moment, with the Belgian Grand Prix of 2023.
const last = "2023-07-31"

// lastDriver is the highest driver number of the published snapshot.
const lastDriver = 858

// table says how a table comes out of its file. The first column is the key; a column
// that points to another table has its name behind a ">".
type table struct {
	name, file string
	columns    string
}

// tables are in an order in which every table stands behind those that it points to.
var tables = []table{
	{"circuits", "circuits", "circuitId INTEGER, circuitRef TEXT, name TEXT, location TEXT, country TEXT, lat REAL, lng REAL, alt INTEGER"},
	{"constructors", "constructors", "constructorId INTEGER, constructorRef TEXT, name TEXT, nationality TEXT"},
	{"drivers", "drivers", "driverId INTEGER, driverRef TEXT, code TEXT, forename TEXT, surname TEXT, dob DATE, nationality TEXT"},
	{"races", "races", "raceId INTEGER, year INTEGER, round INTEGER, circuitId INTEGER>circuits, name TEXT, date DATETIME, time TIME"},
	{"results", "results", "resultId INTEGER, raceId INTEGER>races, driverId INTEGER>drivers, constructorId INTEGER>constructors, number INTEGER, grid INTEGER, " +
		"position INTEGER, positionOrder INTEGER, points REAL, laps INTEGER, milliseconds INTEGER, fastestLap INTEGER, rank INTEGER, statusId INTEGER, date DATETIME"},
	{"standings", "driver_standings", "driverStandingsId INTEGER, raceId INTEGER>races, driverId INTEGER>drivers, points REAL, position INTEGER, wins INTEGER, date DATETIME"},
	{"constructor_results", "constructor_results", "constructorResultsId INTEGER, raceId INTEGER>races, constructorId INTEGER>constructors, points REAL, date DATETIME"},
	{"constructor_standings", "constructor_standings", "constructorStandingsId INTEGER, raceId INTEGER>races, constructorId INTEGER>constructors, points REAL, position INTEGER, wins INTEGER, date DATETIME"},
	{"qualifying", "qualifying", "qualifyId INTEGER, raceId INTEGER>races, driverId INTEGER>drivers, constructorId INTEGER>constructors, number INTEGER, position INTEGER, date DATETIME"},
}

// Write reads the CSV files of a folder and writes rel-f1 as a new SQLite file: facts
// before August 2023, each with the time of its race, qualifying one day earlier.
func Write(ctx context.Context, folder, path string) (err error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return fmt.Errorf("write rel-f1: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1) // the settings below belong to one connection
	if _, err := db.ExecContext(ctx, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF"); err != nil {
		return fmt.Errorf("write rel-f1: %w", err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("write rel-f1: %w", err)
	}
	defer tx.Rollback()
	start := map[string]string{} // of each race
	for _, t := range tables {
		if err := t.write(ctx, tx, folder, start); err != nil {
			return fmt.Errorf("write rel-f1: table %s: %w", t.name, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("write rel-f1: %w", err)
	}
	return nil
}

// write makes one table; that of the races fills start for those behind it.
func (t table) write(ctx context.Context, tx *sql.Tx, folder string, start map[string]string) error {
	names, create := t.create()
	if _, err := tx.ExecContext(ctx, create); err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO "+t.name+" VALUES (?"+strings.Repeat(", ?", len(names)-1)+")")
	if err != nil {
		return err
	}
	defer insert.Close()
	rows, err := read(filepath.Join(folder, t.file+".csv"))
	if err != nil {
		return err
	}
	kept := rows[:0]
	for _, r := range rows {
		keep, err := t.complete(r, start)
		if err != nil {
			return err
		}
		if keep {
			kept = append(kept, r)
		}
	}
	if slices.Contains(names, "date") {
		slices.SortStableFunc(kept, func(a, b map[string]string) int { return cmp.Compare(a["date"], b["date"]) })
	}
	for _, r := range kept {
		cells := make([]any, len(names))
		for i, name := range names {
			if text := r[name]; text != "" {
				cells[i] = text
			}
		}
		if _, err := insert.ExecContext(ctx, cells...); err != nil {
			return err
		}
	}
	return nil
}

// create returns the names of the columns and the statement that makes the table.
func (t table) create() (names []string, statement string) {
	var defs, keys []string
	for i, c := range strings.Split(t.columns, ", ") {
		c, to, link := strings.Cut(c, ">")
		name, _, _ := strings.Cut(c, " ")
		names = append(names, name)
		if i == 0 {
			c += " PRIMARY KEY"
		}
		defs = append(defs, c)
		if link {
			keys = append(keys, "FOREIGN KEY ("+name+") REFERENCES "+to)
		}
	}
	return names, "CREATE TABLE " + t.name + " (" + strings.Join(append(defs, keys...), ", ") + ")"
}

// complete gives the row its time and says whether the published snapshot has it.
func (t table) complete(r map[string]string, start map[string]string) (keep bool, err error) {
	switch t.name {
	case "circuits", "constructors":
		return true, nil
	case "drivers":
		id, err := strconv.Atoi(r["driverId"])
		return id <= lastDriver, err
	case "races":
		r["date"] += " " + cmp.Or(r["time"], "00:00:00")
		start[r["raceId"]] = r["date"]
		return true, nil
	}
	at, ok := start[r["raceId"]]
	if !ok {
		return false, fmt.Errorf("race %q is not in races.csv", r["raceId"])
	}
	keep = at < last
	if t.name == "qualifying" {
		day, err := time.Parse(time.DateTime, at)
		if err != nil {
			return false, err
		}
		at = day.AddDate(0, 0, -1).Format(time.DateTime)
	}
	r["date"] = at
	return keep, nil
}

// read returns the rows of a CSV file by column name; a NULL is empty.
func read(path string) ([]map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s is empty, want a header", filepath.Base(path))
	}
	rows := make([]map[string]string, len(all)-1)
	for i, cells := range all[1:] {
		rows[i] = make(map[string]string, len(cells))
		for c, name := range all[0] {
			if cells[c] != `\N` {
				rows[i][name] = cells[c]
			}
		}
	}
	return rows, nil
}
