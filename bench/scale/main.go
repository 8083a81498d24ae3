// Scale measures how the cost of the whole path grows with the number of links, over
// generated databases that are written, linked, trained on and scored in files mapped
// into memory:
//
//	go run ./bench/scale                        10^5 to 10^7 links, table to stdout
//	go run ./bench/scale -links 1e8 -limit 1000 10^8 links within 1000 MB of memory
//	go run ./bench/scale -out docs              also docs/scale.json and docs/scale.svg
//	go run ./bench/scale -links "" -out docs    draws what docs/scale.json holds
//
// Results of earlier runs in the JSON file stay, those of equal size are replaced.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

func main() {
	links := flag.String("links", "1e5,1e6,1e7", "numbers of links, separated by commas")
	folder := flag.String("dir", "", "folder for the databases, removed afterwards; default: a temporary one")
	limit := flag.Int("limit", 0, "MB of 1e6 bytes of memory, besides mapped files, that the process may have; 0 = no limit")
	out := flag.String("out", "", "folder for scale.json and scale.svg; empty = neither")
	flag.Parse()
	if err := run(context.Background(), *links, *folder, *out, *limit); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, links, folder, out string, limitMB int) error {
	if limitMB > 0 {
		// The collector keeps below the limit where it can; the system enforces it.
		debug.SetMemoryLimit(int64(limitMB) * 1e6 * 3 / 4)
		if err := limitMemory(uint64(limitMB) * 1e6); err != nil {
			return fmt.Errorf("limit memory to %d MB: %w", limitMB, err)
		}
	}
	var results []Result
	for text := range strings.SplitSeq(links, ",") {
		if text == "" {
			continue
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || n < 1000 || n > 2e9 {
			return fmt.Errorf("%q links, want a number from 1000 to 2e9", text)
		}
		dir, err := os.MkdirTemp(folder, "scale-*")
		if err != nil {
			return err
		}
		r, err := measure(ctx, dir, int(n))
		if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
			return fmt.Errorf("%s links: %w", text, err)
		}
		r.LimitMB = limitMB
		results = append(results, *r)
		fmt.Print(table(results[len(results)-1:]))
	}
	if out == "" {
		return nil
	}
	return keep(out, results)
}

// keep merges the results into the JSON file of folder out and draws all of them.
func keep(out string, results []Result) error {
	path := filepath.Join(out, "scale.json")
	var all []Result
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read earlier results: %w", err)
	}
	for _, r := range results {
		all = slices.DeleteFunc(all, func(o Result) bool { return o.Links == r.Links && o.LimitMB == r.LimitMB })
		all = append(all, r)
	}
	slices.SortStableFunc(all, func(a, b Result) int { return a.Links - b.Links })
	if data, err = json.MarshalIndent(all, "", " "); err != nil {
		return err
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil {
		return err
	}
	fmt.Print("\n", table(all))
	return drawChart(all, filepath.Join(out, "scale.svg"))
}
