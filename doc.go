// Package rowlink turns a relational database into predictions. It owns the one path
// and nothing else: each arrow below is one exported function of the package that owns
// the noun behind it.
//
//	database URL  --ingest.Open-->      Source
//	Source        --ingest.Take-->      Snapshot, with schema.Infer and the mapping file
//	task text     --tql.Bind-->         tasks.Task
//	Snapshot      --tasks.Label-->      tasks.LabelTable (entity row, anchor, target, split)
//	Snapshot      --model.Graph-->      graph.Graph, with the task's target history
//	labels, graph --train.Fit-->        model.Model, with baselines beside it
//	model         --predict.New-->      predict.Predictor
//
// Read [Open], then [Database.Fit], then [Database.Load]. docs/map.md has one
// paragraph per package.
package rowlink
