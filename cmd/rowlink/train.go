package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/tabular/baseline"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

func init() { subcommands.Add("train", trainCommand) }

// trainFlags are the flags of train.
type trainFlags struct {
	opt         rowlink.FitOptions
	regime      string
	fanOuts     []string
	explainPlan bool
	job         bool
}

func trainCommand(a *app) *cobra.Command {
	var f trainFlags
	cmd := &cobra.Command{
		Use:   "train TASK",
		Short: "Fit a network for a task, compare it with the baselines, store a version",
		Long: `train labels the task, links the rows, fits a graph neural network and every baseline, and stores
all of them as one version. With --model auto the best on validation is served, whatever it is.
TASK is a file, - for stdin, or a stored task.`,
		Example: "  rowlink train churn.sql --regime rolling --seed 7",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd.Flags().Changed); err != nil {
				return err
			}
			text, err := a.taskText(args[0])
			if err != nil {
				return err
			}
			if f.job {
				ctx, stop := a.asJob(cmd.Context())
				defer stop()
				cmd.SetContext(ctx)
				f.opt.Job = os.Getenv(jobEnv)
			}
			d, err := a.open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer d.Close()
			if f.explainPlan {
				plan, err := d.Plan(cmd.Context(), text, f.opt)
				if err != nil {
					return err
				}
				return a.print(plan, plan.Text)
			}
			if done, err := a.madeBefore(d, text, f.opt.Job); done || err != nil {
				return err
			}
			if task, err := d.Task(text); err == nil && task.Ranking != nil {
				cmd.Flags().Visit(func(flag *pflag.Flag) {
					if flag.Name != "regime" && cmd.InheritedFlags().Lookup(flag.Name) == nil {
						a.warn("--%s changes nothing: task %s ranks, by rules and trees with settings of their own", flag.Name, task.Name)
					}
				})
				return a.trainRanking(cmd.Context(), d, text, f)
			}
			fitted, version, err := a.train(cmd.Context(), d, text, f)
			if err != nil {
				return err
			}
			if err := a.print(newTrainOutput(fitted.Report, version), fitted.Report.Text); err != nil {
				return err
			}
			return a.announce(d.Workspace, fitted.Task, fitted.Labels, version, "rowlink predict "+fitted.Task.Name+" --all")
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().BoolVar(&f.job, "job", false, "report to the server that runs this as a job")
	_ = cmd.Flags().MarkHidden("job") // it is there
	return cmd
}

// check completes the options and refuses those that cannot be meant.
func (f *trainFlags) check(given func(flag string) bool) (err error) {
	if f.opt.Regime, err = parseRegime(f.regime); err != nil {
		return err
	}
	if f.opt.Train.Model.FanOutByEdge, err = parseFanOuts(f.fanOuts); err != nil {
		return err
	}
	if err := checkTrain(&f.opt, given); err != nil {
		return err
	}
	if beside(&f.opt) && !given("scan") {
		f.opt.Scan = f.opt.Ensemble
	}
	return nil
}

// madeBefore prints the version that a job stored before its process was killed, so that the
// same job stores no second one.
func (a *app) madeBefore(d *rowlink.Database, text, job string) (bool, error) {
	task, err := d.Task(text)
	if err != nil || job == "" {
		return false, err
	}
	v, err := rowlink.VersionOfJob(d.Workspace, task.Name, job)
	if v == nil || err != nil {
		return false, err
	}
	data, err := os.ReadFile(v.Path(reportFile))
	if err != nil {
		return false, err
	}
	if rowlink.Ranks(v) {
		out := rankingOutput{Version: v.Version}
		err := json.Unmarshal(data, &out.RankingReport)
		return true, errors.Join(err, a.print(out, nil))
	}
	r := &rowlink.Report{}
	err = json.Unmarshal(data, r)
	return true, errors.Join(err, a.print(newTrainOutput(r, v.Version), nil))
}

// train fits a task and stores the version.
func (a *app) train(ctx context.Context, d *rowlink.Database, text string, f trainFlags) (*rowlink.Fitted, int, error) {
	task, err := d.Task(text)
	if err != nil {
		return nil, 0, err
	}
	epochs := a.follow(&f.opt.Train)
	if a.report == nil {
		f.opt.OnStage = func(what string) { a.say("%s ...", what) }
	}
	a.say("task %s, %s by %s: labels, then the baselines, then the networks", task.Name, task.Type, cmp.Or(task.Options.Metric, tasks.MetricNames(task.Type)[0]))
	fitted, err := d.Fit(ctx, text, f.opt)
	if errors.Is(err, context.Canceled) && f.opt.Train.Resume && *epochs > 0 {
		a.say("the state after epoch %d is kept: the same command goes on from there", *epochs)
	}
	if err != nil {
		return nil, 0, err
	}
	version, err := fitted.Save(d.Workspace)
	return fitted, version, err
}

func (t *trainFlags) register(f *pflag.FlagSet) {
	opt := &t.opt
	f.StringVar(&opt.Model, "model", "auto", "what is served: auto (best on validation), gnn, or the name of a baseline")
	f.StringVar(&opt.Train.Model.Layer, "layer", "", "message-passing layer: "+strings.Join(model.Layers(), ", ")+" (default sage)")
	f.StringVar(&opt.Train.Model.Aggregate, "aggregate", "", "how neighbours are summed up: decay (default), mean, sum, max")
	f.StringVar(&t.regime, "regime", "", "evaluation regime: rolling or frozen (default: as the task says)")
	f.Uint64Var(&opt.Train.Seed, "seed", 42, "equal seeds give equal models")
	f.IntVar(&opt.Train.Epochs, "epochs", 0, "most epochs (default 20)")
	f.IntVar(&opt.Train.Batch, "batch", 0, "seeds per step (default 256)")
	f.Float64Var(&opt.Train.Rate, "rate", 0, "learning rate (default 0.002)")
	f.StringVar(&opt.Train.Schedule, "schedule", "", "of the learning rate: "+strings.Join(train.Schedules(), ", ")+" (default cosine, after a warm-up)")
	f.IntVar(&opt.Train.Model.Width, "width", 0, "channels (default 32)")
	f.IntVar(&opt.Train.Model.Blocks, "blocks", 0, "residual blocks of the encoder of a row (default 1)")
	f.IntVar(&opt.Train.Model.Layers, "layers", 0, "rounds of messages of --layer scan (default 1)")
	f.IntVar(&opt.Train.Model.Hops, "hops", 0, "foreign keys from a row up to the entities that read it with --layer scan (default 3)")
	f.StringVar(&opt.Train.Model.Plan, "plan", "", "how the first layer is computed: factored (once per distinct row), plain, or auto (by cost, the default)")
	f.BoolVar(&t.explainPlan, "explain-plan", false, "print what a step would cost and which plan is chosen, and train nothing")
	f.IntSliceVar(&opt.Train.Model.FanOut, "fan-out", nil, "children per foreign key, one number per hop, 0 = parents only (default 32,16)")
	f.StringSliceVar(&opt.Train.Model.IDs, "ids", nil, "tables whose rows get learned vectors of their own, such as products (default none)")
	f.StringVar(&opt.Train.Model.Strategy, "strategy", "", "which neighbours: latest (default), uniform, or recency (at random, the newer the likelier)")
	f.StringArrayVar(&t.fanOuts, "fan-out-by-edge", nil, "TABLE.COLUMN=NUMBERS instead of --fan-out for the children of one foreign key (repeatable)")
	f.Float64Var(&opt.Train.Model.Window, "window", 0, "days: children this old or older are not read (default: of any age)")
	f.Float64Var(&opt.Train.Model.HalfLife, "half-life", 0, "days after which a child is half as likely with --strategy recency (default 4 horizons)")
	f.BoolVar(&opt.Train.Stale, "stale", false, "read training seeds at a stale cut, as the frozen regime reads its test rows")
	f.IntVar(&opt.Scan, "scan", 0, "networks of the layer scan beside those of --layer (default with --model auto or blend: as many as --ensemble)")
	f.IntVar(&opt.Ensemble, "ensemble", 1, "networks, each from a seed of its own, whose predictions are averaged")
	f.IntVar(&opt.ValBlocks, "val-blocks", 0, "validation blocks that choose among predictors: the last and earlier ones, each fitted anew (default 1, frozen 3)")
	f.BoolVar(&opt.Refit, "refit", false, "fit what is served anew on training and validation examples together, with all settings as chosen")
	f.IntVar(&opt.EvalExamples, "eval-examples", 0, "examples of validation and of test that predictors are judged by, drawn by hash (default 50000; -1 = all)")
	f.StringVar(&opt.Pretrained, "pretrained", "", "begin with the network that rowlink pretrain stored under this name")
	f.BoolVar(&opt.Train.Resume, "resume", true, "go on from where an interrupted training of the same task, data and options stopped")
	f.DurationVar(&opt.Train.TimeLimit, "time-limit", 0, "stop after the epoch that passes this time")
}

// beside reports whether networks of the layer scan join in unless told otherwise: where
// validation chooses, and they are not what is trained anyway.
func beside(o *rowlink.FitOptions) bool {
	return (o.Model == "auto" || o.Model == rowlink.Blend || o.Model == rowlink.Scan) && o.Train.Model.Layer != model.Scan
}

// trainOutput is what train prints with --json: the report, with the scores of what is
// served and of the others also by name.
type trainOutput struct {
	*rowlink.Report
	Version   int                                  `json:"version"`
	Metrics   map[string]rowlink.Scores            `json:"metrics"`   // of what is served, by split
	Baselines map[string]map[string]rowlink.Scores `json:"baselines"` // by name and split
}

func newTrainOutput(r *rowlink.Report, version int) trainOutput {
	out := trainOutput{Report: r, Version: version, Baselines: map[string]map[string]rowlink.Scores{}}
	for _, row := range r.Rows {
		scores := map[string]rowlink.Scores{tasks.Val.String(): row.Val, tasks.Test.String(): row.Test}
		if row.Name == r.Served {
			out.Metrics = scores
		}
		if slices.Contains(baseline.Names(), row.Name) {
			out.Baselines[row.Name] = scores
		}
	}
	return out
}

// announce says what was stored, what there is to mind, and what to do next: a command.
func (a *app) announce(w *workspace.Workspace, task *tasks.Task, labels *tasks.LabelTable, version int, next string) error {
	for _, line := range slices.Concat(task.Warnings, labels.Report.Warnings) {
		a.say("%s", line)
	}
	name := task.Name
	prod, err := w.Model(name, workspace.Prod)
	if err != nil {
		return err
	}
	if prod.Version == version {
		a.say("stored version %d of task %s, which prod names; next: %s", version, name, next)
		return nil
	}
	a.say("stored version %d of task %s; prod still names version %d: rowlink promote %s %d changes that", version, name, prod.Version, name, version)
	return nil
}

// parseRegime reads --regime; empty leaves the task's own.
func parseRegime(name string) (*tasks.Regime, error) {
	if name == "" {
		return nil, nil
	}
	for _, r := range []tasks.Regime{tasks.Rolling, tasks.Frozen} {
		if r.String() == name {
			return &r, nil
		}
	}
	return nil, usage("", "--regime is %q, want rolling or frozen", name)
}

// follow shows the training's progress; the number points at the last epoch that is done.
func (a *app) follow(o *train.Options) *int {
	done := new(int)
	o.OnStep = func(epoch, done, total int) {
		a.update(fmt.Sprintf("epoch %d", epoch), int64(done), int64(total), "seeds")
	}
	o.OnEpoch = func(e train.Epoch) {
		*done = e.Number
		if a.report != nil {
			a.report.epoch(e)
			return
		}
		best := ""
		if e.Best && !math.IsNaN(e.Val) {
			best = "  best so far"
		}
		a.say("epoch %2d  loss %.4f  %s%s, %.0f seeds/s%s", e.Number, e.Loss, validated(e),
			(time.Duration(e.Seconds*1000) * time.Millisecond).Round(10*time.Millisecond), float64(e.Seeds)/e.Seconds, best)
	}
	return done
}

// validated is the validation metric of an epoch, nothing where nothing was validated.
func validated(e train.Epoch) string {
	if math.IsNaN(e.Val) {
		return ""
	}
	return fmt.Sprintf("val %.4f  ", e.Val)
}
