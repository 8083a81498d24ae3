package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// order places an order in shop.db, some days after the end of the shop's data.
func order(t *testing.T, customer, days int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:shop.db?_pragma=busy_timeout(20000)") // the server reads it at the same time
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	at := time.Date(2025, 1, 1+days, 12, 0, 0, 0, time.UTC)
	_, err = db.ExecContext(t.Context(), "INSERT INTO orders (order_id, customer_id, ordered_at, channel, total) SELECT MAX(order_id) + 1, ?, ?, 'web', 50 FROM orders",
		customer, at.Format(time.DateTime))
	if err != nil {
		t.Fatal(err)
	}
}

// TestServe_live changes the database under a server that reads it again by itself, while
// clients ask without pause: no request fails, each answer is of one snapshot, data_until
// moves on, and what is answered then is what the command line says of the new snapshot.
func TestServe_live(t *testing.T) {
	inShop(t)
	dir, err := filepath.Abs(".rowlink")
	if err != nil {
		t.Fatal(err)
	}
	const text = "CREATE TASK lapse AS PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH customers WHERE COUNT(orders.*, -90, 0, days) > 0 WITH (eval_anchors = 3)"
	if err := os.WriteFile("lapse.sql", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	rowlinkOK(t, "train lapse.sql --db sqlite:shop.db --epochs 1 --fan-out 8,4 --model gnn")
	r := startServer(t, dir, "--db", "sqlite:shop.db", "--refresh-every", "300ms")
	const body = `{"entities":[10001,10002,10003,10004]}`
	first := r.predictOf(t, "lapse", "", body)
	stop := make(chan struct{})
	var asking sync.WaitGroup
	var mu sync.Mutex
	seen, faults := map[string]string{}, []string{}
	for range 2 {
		asking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				status, text, err := r.ask("/v1/tasks/lapse/predict", body)
				var a struct {
					DataUntil   string `json:"data_until"`
					Predictions json.RawMessage
				}
				if err == nil {
					err = json.Unmarshal([]byte(text), &a)
				}
				mu.Lock()
				before, known := seen[a.DataUntil]
				switch {
				case err != nil || status != http.StatusOK:
					faults = append(faults, fmt.Sprint(status, " ", text, " ", err))
				case known && before != string(a.Predictions):
					faults = append(faults, fmt.Sprintf("two answers at %s:\n%s\n%s", a.DataUntil, before, a.Predictions))
				}
				seen[a.DataUntil] = string(a.Predictions)
				mu.Unlock()
			}
		})
	}
	until := first.DataUntil
	for i := range 3 {
		order(t, 10001+i, 1+i)
		moved := false
		for range 300 {
			if a := r.predictOf(t, "lapse", "", body); a.DataUntil.After(until) {
				until, moved = a.DataUntil, true
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if !moved {
			t.Fatalf("order %d is not seen; the server says\n%s", i+1, r.stderr)
		}
	}
	close(stop)
	asking.Wait()
	if len(faults) > 0 || len(seen) != 4 {
		t.Errorf("%d faults, %d snapshots answered, want 4; the first: %.500s", len(faults), len(seen), append(faults, "")[0])
	}
	online := r.predictOf(t, "lapse", "", body)
	r.stop()
	if code := <-r.code; code != 0 {
		t.Errorf("exit code %d:\n%s", code, r.stderr)
	}
	r.client.CloseIdleConnections()
	var offline struct {
		DataUntil   time.Time `json:"data_until"`
		Predictions []struct {
			Entity      int64
			Probability float64
		}
	}
	answer := rowlinkOK(t, "predict lapse --json -q --key 10001 --key 10002 --key 10003 --key 10004")
	if err := json.Unmarshal([]byte(answer), &offline); err != nil {
		t.Fatal(err)
	}
	if !offline.DataUntil.Equal(online.DataUntil) || len(offline.Predictions) != len(online.Predictions) {
		t.Fatalf("online %v, offline %v", online, offline)
	}
	for i, p := range offline.Predictions {
		if math.Abs(p.Probability-*online.Predictions[i].Probability) > 1e-6 {
			t.Errorf("customer %d: %v offline, %v online", p.Entity, p.Probability, *online.Predictions[i].Probability)
		}
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "snapshots")); len(left) < 4 {
		t.Errorf("%d files of snapshots", len(left))
	}
}
