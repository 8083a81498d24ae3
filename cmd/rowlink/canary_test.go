package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/internal/shop"
)

// Secrets of a whole session. None may be seen again but where it belongs: the value of a
// row and of a secret column in the snapshot, which is a copy of the data.
const (
	canaryRow    = "CaNaRy-row-51c2"    // the text of one customer's note
	canaryColumn = "CaNaRy-column-9be0" // in every row of customers.password
)

// canaryURL makes a shop in Postgres with the canaries and a role that reads it.
func canaryURL(t *testing.T) string {
	owner := pgtest.URL(t)
	if err := shop.Generate(shop.Options{Customers: 60}).WritePostgres(t.Context(), owner, "public"); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	u, err := url.Parse(owner)
	if err != nil {
		t.Fatal(err)
	}
	role := "canary_" + strings.TrimPrefix(u.Path, "/")
	name := pgx.Identifier{role}.Sanitize()
	for _, sql := range []string{
		"ALTER TABLE customers ADD COLUMN password text DEFAULT '" + canaryColumn + "'",
		"UPDATE customers SET note = '" + canaryRow + "' WHERE customer_id = (SELECT min(customer_id) FROM customers)",
		"CREATE ROLE " + name + " LOGIN PASSWORD '" + canary + "'",
		"GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + name,
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	t.Cleanup(func() { dropRole(t, owner, name) })
	u.User = url.UserPassword(role, canary)
	return u.String()
}

func dropRole(t *testing.T, owner, name string) {
	conn, err := pgx.Connect(t.Context(), owner)
	if err != nil {
		return // the database is gone, and the server with it
	}
	defer conn.Close(t.Context())
	_, _ = conn.Exec(t.Context(), "DROP OWNED BY "+name)
	_, _ = conn.Exec(t.Context(), "DROP ROLE "+name)
}

// TestCanary walks a whole session over Postgres, from ingest to a server with tokens that
// logs everything, and demands that no secret is printed, logged, answered or stored.
func TestCanary(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a Postgres server")
	}
	inShop(t)
	database := canaryURL(t)
	t.Setenv("DATABASE_URL", database)
	secrets := []string{canary, canaryRow, canaryColumn}
	clean := func(where, text string) {
		t.Helper()
		for _, s := range secrets {
			if at := strings.Index(text, s); at >= 0 {
				t.Errorf("%s holds %s: ...%s", where, s, text[max(0, at-100):at+len(s)])
			}
		}
	}
	for _, command := range []string{"doctor", "schema", "schema --json", "ingest", "explain churn.sql", "labels churn.sql --split test -q",
		"train churn.sql --epochs 1 --fan-out 4,2 --width 8", "train churn.sql --model 'boosted trees on as-of features' --fan-out 2 --epochs 1", "evaluate churn", "models", "models --json",
		"predict churn --all --json", "predict churn --key 10001 --explain 5", "ingest --nonsense", "schema --schema nowhere"} {
		r := rowlinkRun(t.Context(), words(command))
		clean(command, r.out+r.err)
		if r.code != exitOK && !strings.Contains(command, "nonsense") && !strings.Contains(command, "nowhere") {
			t.Errorf("%s: exit %d\n%s", command, r.code, r.err)
		}
	}

	token := strings.TrimSpace(rowlinkOK(t, "tokens create canary --scope admin"))
	secrets = append(secrets, token, strings.TrimPrefix(token, "rowlink_"))
	clean("tokens list", rowlinkOK(t, "tokens list")+rowlinkOK(t, "tokens list --json"))
	r := startServer(t, ".rowlink", "--log-level", "debug", "--log-format", "json", "--admin-addr", "127.0.0.1:0")
	paths := 0
	ask := func(method, path, header, body string) {
		req, err := http.NewRequestWithContext(t.Context(), method, r.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", header)
		resp, err := r.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var text bytes.Buffer
		if _, err := text.ReadFrom(resp.Body); err != nil {
			t.Fatal(err)
		}
		clean(fmt.Sprintf("%s %s: %d", method, path, resp.StatusCode), text.String()+fmt.Sprint(resp.Header))
		if resp.StatusCode == 200 {
			paths++
		}
	}
	for _, header := range []string{"Bearer " + token, "Bearer " + token + "x", token, "Basic " + token, ""} {
		for _, path := range []string{"/", "/metrics", "/openapi.json", "/v1/tasks", "/v1/tasks/churn", "/v1/models", "/v1/models/churn", "/v1/limits", "/v2", "/v2/models/churn", "/readyz",
			"/v1/nothing", "/v1/tasks/churn?token=" + url.QueryEscape(token)} {
			ask("GET", path, header, "")
		}
		ask("PUT", "/v1/models/churn/aliases/prod", header, `{"version":"1"}`)
		for path, body := range map[string]string{
			"/v1/tasks/churn/predict":   `{"entities":[10001,1,"x"],"explain":{"top":50}}`,
			"/v1/tasks/churn/predict?x": `{`,
			"/v2/models/churn/infer":    `{"inputs":[{"name":"entity","shape":[1],"datatype":"INT64","data":[10001]}],"parameters":{"explain":50}}`,
			"/v1/query":                 `{"query":"PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR customers IN (10001, 7)"}`,
		} {
			ask("POST", path, header, body)
		}
	}
	if got := managed(t, r, token); got != "403 200" {
		t.Errorf("an alias is moved at the address of predictions and at that of management: %s", got)
	}
	r.stop()
	<-r.code
	r.client.CloseIdleConnections()
	if paths < 18 {
		t.Errorf("only %d answers had anything to leak", paths)
	}
	log := r.stderr.String()
	clean("the log", log)
	if !strings.Contains(log, `"route":"/v1/tasks/{task}/predict"`) {
		t.Errorf("the log has no requests:\n%s", log)
	}
	cleanFiles(t, ".rowlink", clean)
}

// managed moves an alias at both addresses of a server.
func managed(t *testing.T, r *running, token string) (codes string) {
	for _, base := range []string{r.URL, r.Admin} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, base+"/v1/models/churn/aliases/prod", strings.NewReader(`{"version":"1"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := r.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		codes += fmt.Sprint(" ", resp.StatusCode)
		resp.Body.Close()
	}
	return strings.TrimSpace(codes)
}

// cleanFiles looks into every file of a workspace. A snapshot is a copy of the data, so
// values of rows belong there, in the files of tables.
func cleanFiles(t *testing.T, dir string, clean func(where, text string)) {
	t.Helper()
	files, kept := 0, 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		text := string(data)
		if strings.Contains(path, "snapshots") {
			kept += strings.Count(text, canaryRow)
			text = strings.NewReplacer(canaryRow, "", canaryColumn, "").Replace(text)
		}
		clean(path, text)
		files++
		return err
	})
	if err != nil || files < 10 || kept == 0 {
		t.Fatalf("%d files, %d times the value in the snapshot: %v", files, kept, err)
	}
}
