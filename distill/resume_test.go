package distill_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"

	"fsdfm/data"
	"fsdfm/distill"
	"fsdfm/flow"
	"fsdfm/internal/golden"
	"fsdfm/model"
	"fsdfm/ops"
	"fsdfm/train"
)

var tiny = model.Config{VocabSize: 11, Length: 8, HiddenSize: 16, CondDim: 8, Blocks: 2, Heads: 2, StepConditioning: model.Additive}

var scheduler = flow.Polynomial{N: 1}

// pretrained are random weights whose output layer is not zero.
func pretrained(t *testing.T) *model.Weights {
	t.Helper()
	w := model.NewWeights(tiny)
	w.Init(1)
	r := flow.Streams(1, "weights", 0, 1)[0]
	for _, name := range []string{"output_layer.linear.weight", "blocks.0.adaLN_modulation.weight", "blocks.1.adaLN_modulation.weight"} {
		for i := range w.View(name) {
			w.View(name)[i] = float32(r.Float64() - 0.5)
		}
	}
	return w
}

func rollout(w *model.Weights) *distill.Rollout {
	source := flow.Uniform{Vocab: tiny.VocabSize}
	return &distill.Rollout{
		Sampler: flow.Sampler{Denoiser: model.NewDenoiser(w), Solver: flow.EulerCumulative{Scheduler: scheduler}, Source: source},
		Length:  tiny.Length, Steps: 16, Grid: 8, Seed: 4,
	}
}

// states are trajectories held in memory.
type states [][]int32

func (s states) Len() int               { return len(s) }
func (s states) State(i, k int) []int32 { return s[i][k*tiny.Length : (k+1)*tiny.Length] }

func newLoop(t *testing.T, dir string, c distill.Config) *train.Loop {
	t.Helper()
	w := pretrained(t)
	c.Steps, c.Batch, c.MicroBatch, c.CheckpointEvery, c.LogEvery, c.EvalEvery, c.MaxBudget = 8, 6, 4, 100, 2, 4, 16
	c.EvalRows = 5
	student := model.NewStudent(w, 9)
	l := train.New(c.Config, student)
	l.Kind, l.Dir, l.Seed, l.Length, l.RunConfig = "distill", filepath.Join(dir, "distill"), 5, tiny.Length, json.RawMessage(`{}`)
	ema := model.NewDenoiser(student.On(l.EMA))
	stages, err := distill.StagesByName(c.Teacher)
	if err != nil {
		t.Fatal(err)
	}
	budgets, err := flow.NewBudgets(c.Budgets, c.MaxBudget)
	if err != nil {
		t.Fatal(err)
	}
	o := &distill.Objective{
		Config: c, Learner: l.Learner, EMA: ema, Pretrained: model.NewDenoiser(w), Path: flow.MixturePath{Scheduler: scheduler},
		Teacher: &distill.Shortcut{Jumper: flow.Jumper{Denoiser: ema, Stepper: new(flow.Stepper), Candidates: c.Candidates}, Solver: flow.EulerCumulative{Scheduler: scheduler}, Stages: stages},
		Source:  flow.Uniform{Vocab: tiny.VocabSize}, Budgets: budgets, Seed: l.Seed, Grid: 8,
	}
	if c.UsesTrajectories() {
		s, err := rollout(w).Trajectories(context.Background(), 0, 10, nil)
		if err != nil {
			t.Fatal(err)
		}
		o.Rollouts = states(s)
	}
	l.Objective = o
	ids := make([]int32, 40*tiny.Length)
	for i := range ids {
		ids[i] = int32(i*i+i/7) % int32(tiny.VocabSize)
	}
	rows, err := data.NewRows(ids, tiny.Length)
	if err != nil {
		t.Fatal(err)
	}
	l.Train, l.HeldOut = data.NewReader(rows, l.Seed), data.NewReader(rows, 0)
	if err := l.Resume(); err != nil {
		t.Fatal(err)
	}
	return l
}

type stopping struct {
	at     int
	cancel context.CancelFunc
}

func (s stopping) Step(step, _ int, _, _ float64) {
	if step >= s.at {
		s.cancel()
	}
}
func (stopping) Note(string, ...any) {}

// TestResume: every teacher and objective goes on to the same bits.
func TestResume(t *testing.T) {
	for name, change := range map[string]func(*distill.Config){
		"rk4":          func(*distill.Config) {},
		"heun":         func(c *distill.Config) { c.Teacher, c.KL, c.PathLoss = "heun", "reverse", "ce" },
		"trajectories": func(c *distill.Config) { c.TrajectoryShare = 1 },
		"mixed": func(c *distill.Config) {
			c.TrajectoryShare, c.Budgets = 0.5, "ramp"
			c.Trajectory = distill.TrajectoryConfig{Jump: 1, End: 0.5, KL: 0.25}
		},
		"couplings": func(c *distill.Config) {
			c.CouplingShare, c.Candidates, c.KL, c.PathScale = 0.5, 3, "mixed", "cumulative"
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := distill.DefaultConfig()
			change(&c)
			straight := newLoop(t, t.TempDir(), c)
			start := append([]float32(nil), straight.Learner.Weights.Data...)
			if err := straight.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			moved := 0.0
			for i, v := range straight.Learner.Weights.Data {
				moved = max(moved, float64(v-start[i]))
			}
			if moved == 0 {
				t.Error("eight steps moved no weight")
			}
			dir := t.TempDir()
			ctx, cancel := context.WithCancel(context.Background())
			l := newLoop(t, dir, c)
			l.Observer = stopping{4, cancel}
			if err := l.Run(ctx); !errors.Is(err, train.ErrInterrupted) {
				t.Fatalf("error is %v, want an interruption", err)
			}
			resumed := newLoop(t, dir, c)
			if err := resumed.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			golden.Near(t, "weights", resumed.Learner.Weights.Data, straight.Learner.Weights.Data, 0)
			golden.Near(t, "ema", resumed.EMA, straight.EMA, 0)
			golden.Near(t, "moment1", resumed.Optimizer.Moment1, straight.Optimizer.Moment1, 0)
			golden.Near(t, "moment2", resumed.Optimizer.Moment2, straight.Optimizer.Moment2, 0)
		})
	}
}

// TestMicroBatches: any split of a batch and any threads give the same weights,
// with teachers that are asked about some of its rows only.
func TestMicroBatches(t *testing.T) {
	defer ops.SetThreads(0)
	for name, change := range map[string]func(*distill.Config){
		"rk4":  func(*distill.Config) {},
		"heun": func(c *distill.Config) { c.Teacher, c.KL, c.PathLoss = "heun", "reverse", "ce" },
		"mixed": func(c *distill.Config) {
			c.TrajectoryShare = 0.5
			c.Trajectory = distill.TrajectoryConfig{Jump: 1, End: 0.5, KL: 0.25}
		},
	} {
		c := distill.DefaultConfig()
		change(&c)
		run := func(micro, threads int) *train.Loop {
			ops.SetThreads(threads)
			l := newLoop(t, t.TempDir(), c)
			l.Config.MicroBatch, l.Config.Steps = micro, 3
			if err := l.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			return l
		}
		want := run(6, 1)
		for _, micro := range []int{1, 4, 5} {
			got := run(micro, 2)
			golden.Near(t, name+" weights", got.Learner.Weights.Data, want.Learner.Weights.Data, 0)
			golden.Near(t, name+" ema", got.EMA, want.EMA, 0)
		}
	}
}

// TestRolloutIsOneTrajectoryEach: a trajectory does not depend on the batch it
// is sampled in, starts at the source and ends at the last state.
func TestRollout(t *testing.T) {
	r := rollout(pretrained(t))
	all, err := r.Trajectories(context.Background(), 0, 6, nil)
	if err != nil {
		t.Fatal(err)
	}
	for first := range 6 {
		one, err := r.Trajectories(context.Background(), int64(first), 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(one[0]) != 9*tiny.Length {
			t.Fatalf("a trajectory has %d tokens, want 9 states of %d", len(one[0]), tiny.Length)
		}
		for i, v := range one[0] {
			if v != all[first][i] {
				t.Fatalf("trajectory %d differs at %d when sampled alone", first, i)
			}
		}
	}
	x0 := flow.NewTokens(6, tiny.Length)
	r.Sampler.Source.Sample(x0, flow.Streams(r.Seed, "rollout", 0, 6))
	for i := range all {
		for j, v := range x0.Row(i) {
			if all[i][j] != v {
				t.Fatalf("trajectory %d does not start at its source draw", i)
			}
		}
	}
	r.Grid = 5
	if _, err := r.Trajectories(context.Background(), 0, 1, nil); err == nil {
		t.Error("a grid of 5 on 16 steps was accepted")
	}
}

// counting counts the rows that a network is asked about.
type counting struct {
	flow.Denoiser
	rows int
}

func (c *counting) Logits(x flow.Tokens, t, h []float64) ([]float32, error) {
	c.rows += x.Batch
	return c.Denoiser.Logits(x, t, h)
}

// TestRouting: no teacher evaluation is spent on a row that learns from data.
func TestRouting(t *testing.T) {
	c := distill.DefaultConfig()
	l := newLoop(t, t.TempDir(), c)
	o := l.Objective.(*distill.Objective)
	count := &counting{Denoiser: o.EMA}
	o.Teacher.(*distill.Shortcut).Denoiser = count
	x1 := flow.NewTokens(64, tiny.Length)
	if _, err := o.Loss(train.Micro{X1: x1, Total: 64}); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, r := range flow.Streams(o.Seed, "distill", 0, 64) {
		train.DropoutSeed(r)
		if _, h := o.Budgets.Draw(r); h > 1./16 {
			asked++
		}
	}
	if asked == 0 || asked == 64 {
		t.Fatalf("%d of 64 rows ask the teacher: the test shows nothing", asked)
	}
	if count.rows != 4*asked {
		t.Errorf("the teacher evaluated %d rows, want 4 stages of %d", count.rows, asked)
	}
}

// TestAdditiveStudentStartsAtPretrained: for every step size.
func TestAdditiveStudentStartsAtPretrained(t *testing.T) {
	w := pretrained(t)
	student := model.NewStudent(w, 9)
	x := flow.NewTokens(2, tiny.Length)
	x.IDs[3] = 5
	want, err := model.NewDenoiser(w).Logits(x, []float64{0.2, 0.7}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := model.NewDenoiser(student).Logits(x, []float64{0.2, 0.7}, []float64{1, 1. / 64})
	if err != nil {
		t.Fatal(err)
	}
	golden.Near(t, "logits", got, want, 0)
}

// watching remembers what its network was asked about first.
type watching struct {
	flow.Denoiser
	first flow.Tokens
}

func (w *watching) Logits(x flow.Tokens, t, h []float64) ([]float32, error) {
	if w.first.IDs == nil {
		w.first = x.Clone()
	}
	return w.Denoiser.Logits(x, t, h)
}

// TestCouplingsJoinTheEndsOfATrajectory: every token of such a row stands at
// its place in the noise or in the text of one and the same trajectory.
func TestCouplingsJoinTheEndsOfATrajectory(t *testing.T) {
	c := distill.DefaultConfig()
	c.CouplingShare = 1
	o := newLoop(t, t.TempDir(), c).Objective.(*distill.Objective)
	seen := &watching{Denoiser: o.EMA}
	o.Teacher.(*distill.Shortcut).Denoiser = seen
	if _, err := o.Loss(train.Micro{X1: flow.NewTokens(32, tiny.Length), Total: 32}); err != nil {
		t.Fatal(err)
	}
	between := func(x, from, to []int32) bool {
		for i := range x {
			if x[i] != from[i] && x[i] != to[i] {
				return false
			}
		}
		return true
	}
	for i := range seen.first.Batch {
		found := false
		for id := range o.Rollouts.Len() {
			found = found || between(seen.first.Row(i), o.Rollouts.State(id, 0), o.Rollouts.State(id, o.Grid))
		}
		if !found {
			t.Errorf("row %d lies between the ends of no trajectory: %v", i, seen.first.Row(i))
		}
	}
}
