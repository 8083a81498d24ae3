package rowlink_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/train"
	_ "github.com/rowlink/rowlink/ingest/sqlite" // sqlite: URLs
	"github.com/rowlink/rowlink/internal/shop"
)

// The whole path: a database becomes a snapshot, a task's text labels it, a network and
// the baselines are fitted and compared, and the stored version answers.
func Example() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "rowlink")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "shop.db")
	if err := shop.Generate(shop.Options{Customers: 40, Products: 20, Suppliers: 4, Seed: 1}).WriteSQLite(ctx, file); err != nil {
		log.Fatal(err)
	}

	db, err := rowlink.Open(ctx, rowlink.Options{URL: "sqlite:" + file, Workspace: filepath.Join(folder, ".rowlink")})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	fmt.Println("tables:", len(db.Snap.Tables))

	fitted, err := db.Fit(ctx, `CREATE TASK churn AS
		PREDICT COUNT(orders.*, 0, 30, days) = 0
		FOR EACH customers
		WHERE COUNT(orders.*, -90, 0, days) > 0
		WITH (step = '30 days', eval_anchors = 3)`,
		rowlink.FitOptions{Train: train.Options{Epochs: 2, Seed: 1, Model: model.Config{Width: 8, FanOut: []int{8, 4}}}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("type:", fitted.Report.Type, "metric:", fitted.Report.Metric)
	fmt.Println("examples:", fitted.Report.Examples)
	for _, row := range fitted.Report.Rows {
		if row.Name != rowlink.Blend { // there is one where several predictors together are best
			fmt.Println("compared:", row.Name)
		}
	}
	version, err := fitted.Save(db.Workspace)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("stored version:", version)

	churn, err := db.Load(ctx, "churn", "latest", rowlink.GNN)
	if err != nil {
		log.Fatal(err)
	}
	anchor := time.Date(2024, 12, 2, 0, 0, 0, 0, time.UTC).UnixMicro()
	everybody, err := churn.All(ctx, anchor)
	if err != nil {
		log.Fatal(err)
	}
	answers, err := churn.Predict(ctx, everybody, anchor, 3)
	if err != nil {
		log.Fatal(err)
	}
	sure := slices.ContainsFunc(answers, func(a predict.Prediction) bool { return *a.Probability <= 0 || *a.Probability >= 1 })
	fmt.Println("customers asked about:", len(answers), "reasons each:", len(answers[0].Reasons), "any for certain:", sure)
	// Output:
	// tables: 8
	// type: binary_classification metric: roc_auc
	// examples: [310 70 62]
	// compared: constant
	// compared: entity mean
	// compared: decayed entity mean
	// compared: linear on as-of features
	// compared: boosted trees on as-of features
	// compared: gnn
	// stored version: 1
	// customers asked about: 22 reasons each: 3 any for certain: false
}
