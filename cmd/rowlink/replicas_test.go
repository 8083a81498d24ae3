package main

import (
	"net/http"
	"testing"
	"time"
)

// Two servers over one workspace: what is promoted through one is served by both within
// seconds, a batch that one takes in is run by the other and told by both, and when one is
// killed the other goes on, with its jobs too.
func TestServe_replicas(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	inShop(t)
	copyTree(t, trained(t), "served")
	a, first := serverProcess(t, "served")
	b, _ := serverProcess(t, "served")
	body := `{"entities": [` + a.example(t) + `]}`
	version := func(r *running) string { return r.predict(t, "", body).Model.Version }
	before := version(a)
	if before == "" || version(b) != before {
		t.Fatalf("versions %s and %s", before, version(b))
	}
	other := map[string]string{"1": "2", "2": "1"}[before]
	if status, text := b.send(t, http.MethodPut, "/v1/models/churn/aliases/prod", `{"version": "`+other+`"}`); status != http.StatusOK {
		t.Fatalf("promote: %d %s", status, text)
	}
	begun := time.Now()
	for version(a) != other && time.Since(begun) < 20*time.Second {
		time.Sleep(20 * time.Millisecond)
	}
	if version(a) != other || version(b) != other {
		t.Fatalf("after the promotion versions %s and %s, want %s", version(a), version(b), other)
	}
	t.Logf("the other server had the promotion after %s", time.Since(begun).Round(10*time.Millisecond))

	id := b.submitted(t, "/v1/batches", `{"task":"churn","version":"1","format":"csv"}`)
	if j := b.job(t, id, ended); j.State != "succeeded" {
		t.Errorf("through the server that took it in: %+v", j)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait()
	if got := version(b); got != other {
		t.Errorf("after the other was killed version %s answers", got)
	}
	id = b.submitted(t, "/v1/batches", `{"task":"churn","version":"2","format":"csv"}`)
	if j := b.job(t, id, ended); j.State != "succeeded" {
		t.Errorf("after the other was killed: %+v", j)
	}
}
