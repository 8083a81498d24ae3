package workspace_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rowlink/rowlink/workspace"
)

func Example() {
	dir, err := os.MkdirTemp("", "rowlink")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	w, err := workspace.Open(filepath.Join(dir, ".rowlink"))
	if err != nil {
		log.Fatal(err)
	}
	if err := w.SaveTask("churn", "PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR customers.id"); err != nil {
		log.Fatal(err)
	}
	for _, weights := range []string{"first", "second"} {
		v, err := w.NewVersion("churn")
		if err != nil {
			log.Fatal(err)
		}
		if err := workspace.WriteFile(filepath.Join(v.Dir, "model.safetensors"), []byte(weights)); err != nil {
			log.Fatal(err)
		}
		if err := v.Commit(workspace.Manifest{Snapshot: "5f2a"}); err != nil {
			log.Fatal(err)
		}
		if _, err := w.Promote("churn", fmt.Sprint(v.Number), workspace.Prod); err != nil {
			log.Fatal(err)
		}
	}
	m, _ := w.Model("churn", workspace.Prod)
	fmt.Println("prod is version", m.Version)
	back, _ := w.Rollback("churn", workspace.Prod)
	fmt.Println("rolled back from", back.From, "to", back.To)
	// Output:
	// prod is version 2
	// rolled back from 2 to 1
}
