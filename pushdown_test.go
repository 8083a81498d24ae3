package rowlink_test

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink"
	_ "github.com/rowlink/rowlink/ingest/postgres"
	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/tasks"
)

// partitioned is a shop whose tables are cut as a distributed database cuts them: customers
// and orders by the hash of the customer, visits by month. A foreign key has another width
// than what it refers to; one customer has most of the orders.
const partitioned = `
CREATE TABLE customers (id bigint PRIMARY KEY, name text, since timestamptz) PARTITION BY HASH (id);
CREATE TABLE orders (customer_id integer NOT NULL REFERENCES customers, n integer, at timestamptz NOT NULL, amount numeric(8,2), PRIMARY KEY (customer_id, n)) PARTITION BY HASH (customer_id);
CREATE TABLE visits (customer_id bigint NOT NULL REFERENCES customers, at timestamptz NOT NULL, seconds double precision) PARTITION BY RANGE (at);
DO $$ BEGIN
	FOR i IN 0..3 LOOP
		EXECUTE format('CREATE TABLE customers_%s PARTITION OF customers FOR VALUES WITH (MODULUS 4, REMAINDER %s)', i, i);
		EXECUTE format('CREATE TABLE orders_%s PARTITION OF orders FOR VALUES WITH (MODULUS 4, REMAINDER %s)', i, i);
	END LOOP;
	FOR m IN 0..11 LOOP
		EXECUTE format('CREATE TABLE visits_%s PARTITION OF visits FOR VALUES FROM (%L) TO (%L)', m, timestamptz '2024-01-01Z' + make_interval(months => m), timestamptz '2024-01-01Z' + make_interval(months => m + 1));
	END LOOP;
END $$;
INSERT INTO customers SELECT i, 'c' || i, CASE WHEN i % 3 = 0 THEN timestamptz '2024-03-01Z' + i * interval '1 day' ELSE '2024-01-01Z' END FROM generate_series(1, 60) i;
INSERT INTO orders SELECT CASE WHEN i % 4 = 0 THEN 1 ELSE 1 + (i * 7919) % 60 END, i, timestamptz '2024-01-01Z' + (i * 6607 % 365) * interval '1 day' + i * interval '61 seconds', (i * 37 % 10007) / 100.0 FROM generate_series(1, 1500) i;
INSERT INTO visits SELECT 1 + (i * 104729) % 60, timestamptz '2024-01-01Z' + (i * 4001 % 365) * interval '1 day' + i * interval '7 seconds', i % 300 FROM generate_series(1, 2000) i;
SET TimeZone = 'America/New_York';`

// Labels that the database computes and copies out in shards are those of the executor in
// memory, each example once, also where tables are partitioned.
func TestDatabase_CopyLabels(t *testing.T) {
	url := pgtest.URL(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), partitioned); err != nil {
		t.Fatal(err)
	}
	d, err := rowlink.Open(t.Context(), rowlink.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, text := range []string{
		"CREATE TASK a AS PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH customers",
		"CREATE TASK b AS PREDICT SUM(orders.amount, 0, 30, days) FOR EACH customers WHERE COUNT(visits.*, -60, 0, days) > 0",
		"CREATE TASK c AS PREDICT AVG(visits.seconds, 0, 14, days) > 150 FOR EACH customers",
	} {
		task, err := d.Task(text)
		if err != nil {
			t.Fatal(err)
		}
		want, err := tasks.Label(t.Context(), d.Snap, task, 0)
		if err != nil {
			t.Fatal(err)
		}
		wanted := map[string]float64{}
		entity := d.Snap.Tables[task.Entity]
		for i := range want.Label {
			wanted[fmt.Sprintf("%s,%s,%s", entity.KeyText(want.Entity[i]), time.UnixMicro(want.Anchor[i]).UTC().Format(time.DateTime), want.Split[i])] = want.Label[i]
		}
		for _, shards := range []int{1, 7} {
			got, sizes := copied(t, d, task, shards)
			if len(got) != len(wanted) || len(got) < 50 || !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(wanted))) {
				t.Errorf("%s in %d shards: %d examples, want %d", task.Name, shards, len(got), len(wanted))
			}
			for k, y := range wanted {
				if diff := math.Abs(got[k] - y); diff > 1e-12*max(1, math.Abs(y)) {
					t.Fatalf("%s in %d shards: %s has label %v, want %v", task.Name, shards, k, got[k], y)
				}
			}
			if shards > 1 && slices.Min(sizes) == 0 {
				t.Errorf("%s: shards of %v examples", task.Name, sizes)
			}
		}
	}
	if task, err := d.Task("CREATE TASK l AS PREDICT LIST_DISTINCT(orders.customer_id, 0, 30, days) RANK TOP 3 FOR EACH customers"); err == nil {
		if err := d.CopyLabels(t.Context(), task, 2, 2, func(int, io.Reader) error { return nil }); err == nil || !strings.Contains(err.Error(), "shards") {
			t.Errorf("a ranking: %v", err)
		}
	}
}

// copied collects the labels that the database copies out, and how many each shard has.
func copied(t *testing.T, d *rowlink.Database, task *tasks.Task, shards int) (map[string]float64, []int) {
	t.Helper()
	var mu sync.Mutex
	got, sizes := map[string]float64{}, make([]int, shards)
	err := d.CopyLabels(t.Context(), task, shards, 3, func(shard int, r io.Reader) error {
		rows, err := csv.NewReader(r).ReadAll()
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		sizes[shard] = len(rows)
		for _, row := range rows {
			key := row[0] + "," + row[1] + "," + row[3]
			if _, twice := got[key]; twice {
				t.Errorf("%s comes twice", key)
			}
			if got[key], err = strconv.ParseFloat(row[2], 64); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, sizes
}

func TestMain(m *testing.M) { pgtest.Main(m) }

// Features that Postgres computes are those of the walk over the snapshot, over partitioned
// tables too.
func TestFeatures_SQL(t *testing.T) {
	url := pgtest.URL(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), partitioned+lines); err != nil {
		t.Fatal(err)
	}
	d, err := rowlink.Open(t.Context(), rowlink.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	f, err := d.Features(t.Context(), "CREATE TASK a AS PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH customers", nil)
	if err != nil {
		t.Fatal(err)
	}
	text, features, err := f.SQL()
	if err != nil {
		t.Fatal(err)
	}
	said := ""
	for _, at := range features {
		said += f.Names[at] + "\n"
	}
	for _, want := range []string{"mean public.orders.amount, half-life", "log count, half-life", "count in 30 d (orders", "sum public.visits.seconds in 120 d", "smallest public.orders.amount", "days since last (visits", "sum public.lines.pieces in 30 d (lines by "} {
		if !strings.Contains(said, want) {
			t.Errorf("no feature %q among\n%s", want, said)
		}
	}
	at := map[string]int{}
	all := make([]int, len(f.Labels.Label))
	for i := range f.Labels.Label {
		all[i] = i
		at[fmt.Sprint(f.Entity.KeyText(f.Labels.Entity[i]), " ", f.Labels.Anchor[i])] = i
	}
	values := f.Of(all)
	rows, err := conn.Query(t.Context(), text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	seen := 0
	var worst float64
	for rows.Next() {
		row, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		i, ok := at[fmt.Sprint(row[0], " ", row[1].(time.Time).UnixMicro())]
		if !ok {
			t.Fatalf("no example %v", row[:2])
		}
		seen++
		for j, k := range features {
			want := values[i*len(f.Names)+k]
			got, number := row[2+j].(float64)
			if !number {
				got = math.NaN()
			}
			diff := math.Abs(got-want) / max(1, math.Abs(want))
			if math.IsNaN(got) != math.IsNaN(want) || diff > 1e-9 {
				t.Fatalf("%s of %v: %v, want %v", f.Names[k], row[:2], row[2+j], want)
			}
			if diff > worst {
				worst = diff
			}
		}
	}
	if err := rows.Err(); err != nil || seen != len(all) || seen < 100 {
		t.Errorf("%d examples, want %d, %v\n%s", seen, len(all), err, text)
	}
	t.Logf("%d of %d features of %d examples; the largest difference is %.2g", len(features), len(f.Names), seen, worst)
}

// lines lie two foreign keys below the customers.
const lines = `;
CREATE TABLE lines (customer_id integer NOT NULL, n integer NOT NULL, line integer, packed timestamptz NOT NULL, pieces integer, PRIMARY KEY (customer_id, n, line), FOREIGN KEY (customer_id, n) REFERENCES orders);
INSERT INTO lines SELECT customer_id, n, i, at + i * interval '5 hours' - interval '2 hours', CASE WHEN (n * i) % 5 > 0 THEN (n * 31 + i) % 9 END FROM orders, generate_series(1, 2) i;`
