package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/tasks"
)

func init() { subcommands.Add("demo", demoCommand) }

// demoEpochs and demoFanOut reach the signals that the shop plants: customers, orders,
// lines with their returns, products, suppliers. They keep the demo under three minutes
// on two cores.
const demoEpochs = 5

var demoFanOut = []int{8, 6, 1, 1}

// demo is one walk of the whole path on the generated shop.
type demo struct {
	*app
	dir       string
	customers int
	epochs    int
	db        *rowlink.Database
}

func demoCommand(a *app) *cobra.Command {
	d := &demo{app: a}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Walk the whole path on a generated shop: database, labels, training, comparison, predictions",
		Long: `demo generates a shop database with planted signals into a SQLite file, takes a snapshot, computes
the labels of "which active customers will not order in the next 30 days?", trains a network beside
the baselines, compares all with the best score that anyone could reach (the generator knows the true
probabilities), and explains five predictions. It needs no server and no download.`,
		Example: "  rowlink demo\n  rowlink demo --customers 1000 --epochs 3",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&d.dir, "dir", "rowlink-demo", "folder for the shop database and its workspace")
	cmd.Flags().IntVar(&d.customers, "customers", 5000, "customers of the shop; 5000 give about 200,000 order lines")
	cmd.Flags().IntVar(&d.epochs, "epochs", 0, "most training epochs (0 = the demo's own choice)")
	return cmd
}

// demoOutput is what demo prints with --json.
type demoOutput struct {
	Report      *rowlink.Report      `json:"report"`
	Attainable  float64              `json:"attainable_roc_auc"`
	Predictions []predict.Prediction `json:"predictions"`
	Seconds     float64              `json:"seconds"`
}

func (d *demo) run(ctx context.Context) error {
	start := time.Now()
	text := d.out
	if d.json {
		text = io.Discard
	}
	made, err := d.generate(ctx)
	if err != nil {
		return err
	}
	d.workspace = filepath.Join(d.dir, ".rowlink")
	if d.db, err = d.open(ctx, true); err != nil {
		return err
	}
	defer d.db.Close()
	heading(text, "1. The database as a temporal graph", "rowlink schema")
	if err := d.overview(text); err != nil {
		return err
	}
	heading(text, "2. The task and its labels", "rowlink labels churn.sql")
	fmt.Fprintf(text, "%s\n\n", indent(shop.Churn))
	fitted, err := d.train(ctx, text)
	if err != nil {
		return err
	}
	realised, expected := shop.AttainableAUROC(made.TestAttainable())
	heading(text, "3. The network, the baselines, and the best that is possible", "rowlink train churn.sql")
	if err := fitted.Report.Text(text); err != nil {
		return err
	}
	fmt.Fprintf(text, "best attainable test roc_auc: %.4f (true probabilities against what happened; %.4f was to be expected)\n", realised, expected)
	for _, row := range fitted.Report.Rows {
		if auc := row.Test[fitted.Report.Metric]; auc > 0.5 {
			fmt.Fprintf(text, "  %-25s reaches %3.0f %% of what lies above 0.5\n", row.Name, 100*(auc-0.5)/(realised-0.5))
		}
	}
	heading(text, "4. Five predictions with their reasons", "rowlink predict churn --all --explain 3")
	predictions, err := d.predict(ctx, text)
	if err != nil {
		return err
	}
	heading(text, "5. Serve it", "")
	fmt.Fprintf(text, "  bin/rowlink serve --workspace %s\n  curl -s http://127.0.0.1:8080/v1/tasks/churn/predict -H 'Content-Type: application/json' -d '{\"entities\": [%s]}'\n\nThe whole path took %s.\n",
		d.workspace, d.keys(predictions), time.Since(start).Round(time.Second))
	if d.json {
		return d.print(demoOutput{fitted.Report, realised, predictions, time.Since(start).Seconds()}, nil)
	}
	return nil
}

func heading(w io.Writer, title, command string) {
	if command != "" {
		title += "   (" + command + ")"
	}
	fmt.Fprintf(w, "\n== %s\n\n", title)
}

// generate writes the shop into a new SQLite file.
func (d *demo) generate(ctx context.Context) (*shop.Database, error) {
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of the demo: %w", err)
	}
	path := filepath.Join(d.dir, "shop.db")
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("replace the demo's database: %w", err)
	}
	if d.customers < 50 {
		return nil, usageError{fmt.Errorf("--customers is %d, want at least 50", d.customers)}
	}
	d.say("generating a shop of %d customers into %s", d.customers, path)
	made := shop.Generate(shop.Options{Customers: d.customers})
	if err := made.WriteSQLite(ctx, path); err != nil {
		return nil, err
	}
	d.app.db = "sqlite:" + path
	return made, os.WriteFile(filepath.Join(d.dir, "churn.sql"), []byte(shop.Churn+"\n"), 0o644)
}

// overview prints the tables with their rows, times and links.
func (d *demo) overview(w io.Writer) error {
	rows := []string{"table\trows\ttime\tlinks to"}
	for _, t := range d.db.Snap.Schema.View().Tables {
		at, links := "none", ""
		if t.Time != nil {
			at = t.Time.Column
			if t.Time.Via != "" {
				at = t.Time.Table + "." + at + " via " + t.Time.Via
			}
		}
		for i, l := range t.Links {
			if i > 0 {
				links += ", "
			}
			links += l.To
		}
		n := d.db.Snap.Tables[d.db.Snap.Schema.Table(t.Name)].Rows
		rows = append(rows, fmt.Sprintf("%s\t%d\t%s\t%s", t.Name, n, at, links))
	}
	return table(w, rows...)
}

// train labels and trains the churn task and stores the version.
func (d *demo) train(ctx context.Context, w io.Writer) (*rowlink.Fitted, error) {
	task, err := d.db.Task(shop.Churn)
	if err != nil {
		return nil, err
	}
	labels, err := tasks.Label(ctx, d.db.Snap, task, d.threads)
	if err != nil {
		return nil, err
	}
	if err := labels.Report.Text(w, task); err != nil {
		return nil, err
	}
	fmt.Fprintln(w)
	opt := rowlink.FitOptions{}
	opt.Train.Seed, opt.Train.Epochs = 42, d.epochs
	if d.epochs == 0 {
		opt.Train.Epochs = demoEpochs
	}
	opt.Train.Model.FanOut, opt.Train.Model.IDs = demoFanOut, []string{"products"}
	opt.Train.Model.HalfLives = []float64{30, 90, 480} // days
	opt.Train.Rate, opt.Train.Dropout = 0.003, 0.3
	d.follow(&opt.Train)
	d.say("fitting the baselines and the network")
	fitted, err := d.db.Fit(ctx, shop.Churn, opt)
	if err != nil {
		return nil, err
	}
	_, err = fitted.Save(d.db.Workspace)
	return fitted, err
}

// predict explains the three likeliest and the two least likely customers to leave.
func (d *demo) predict(ctx context.Context, w io.Writer) ([]predict.Prediction, error) {
	l, err := d.db.Load(ctx, "churn", "latest", "")
	if err != nil {
		return nil, err
	}
	anchor := shop.TestAnchor.UnixMicro()
	everybody, err := l.All(ctx, anchor)
	if err != nil {
		return nil, err
	}
	all, err := l.Predict(ctx, everybody, anchor, 0)
	if err != nil {
		return nil, err
	}
	rows := extremes(all, 3, 2)
	shown, err := l.Predict(ctx, rows, anchor, 3)
	if err != nil {
		return nil, err
	}
	entity := d.db.Snap.Tables[l.Task.Entity]
	fmt.Fprintf(w, "anchor %s, %d eligible customers; each reason is the change of the probability that these rows bring\n", instant(anchor), len(all))
	for _, p := range shown {
		fmt.Fprintf(w, "  customer %-6s will not order in 30 days: %.3f\n", entity.KeyText(p.Row), *p.Probability)
		for _, r := range p.Reasons {
			fmt.Fprintf(w, "      %+.3f  %s\n", r.Effect, reasonWords(r))
		}
	}
	return shown, nil
}

// keys lists the keys of predictions for a request.
func (d *demo) keys(predictions []predict.Prediction) string {
	var out []string
	customers := d.db.Snap.Tables[d.db.Snap.Schema.Table("customers")]
	for _, p := range predictions {
		out = append(out, customers.KeyText(p.Row))
	}
	return strings.Join(out, ", ")
}

// reasonWords says which rows a reason is about.
func reasonWords(r predict.Reason) string {
	if r.Column != "" {
		return r.Column
	}
	if r.Key == "" && r.Time == 0 {
		if r.Rows == 1 {
			return "the only row of " + r.Table
		}
		return fmt.Sprintf("all %d rows of %s", r.Rows, r.Table)
	}
	out := r.Table
	if r.Key != "" {
		out += " " + r.Key
	}
	if r.Time != 0 {
		out += " of " + instant(r.Time)
	}
	return out
}

// extremes returns the rows with the highest and the lowest probabilities.
func extremes(all []predict.Prediction, high, low int) []int32 {
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(*all[b].Probability, *all[a].Probability) })
	var rows []int32
	for i, at := range order {
		if i < high || i >= len(order)-low {
			rows = append(rows, all[at].Row)
		}
	}
	return rows
}
