package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"fsdfm/distill"
	"fsdfm/flow"
	"fsdfm/model"
	"fsdfm/train"
)

// Trial is one comparison: what its models learn, and what they may spend.
//
// Compute is counted in forward units, the evaluation of one row: a row trained
// on costs 3 (forward, and backward at twice that), a row that a teacher or a
// rollout evaluates costs 1.
type Trial struct {
	Chain    Chain
	Length   int
	Source   string
	Seed     uint64
	Network  model.Config
	Pretrain train.PretrainConfig // Steps of the student's pretraining
	Units    int                  // of the distillation, rollouts included
}

const trainingUnits = 3

// Large is the trial of the share of valid transitions: 2,000 steps of
// pretraining are its whole compute, a share of which goes to distillation.
func Large(source string, share float64) Trial {
	const steps = 2000
	p := train.DefaultPretrainConfig()
	p.Steps, p.Batch, p.EMADecay, p.Optim.LR = steps-int(share*steps), 32, 0.99, 2e-3
	return Trial{
		Chain: Long, Length: 16, Source: source, Pretrain: p, Units: trainingUnits * (steps - p.Steps) * p.Batch,
		Network: model.Config{HiddenSize: 32, CondDim: 32, Blocks: 2, Heads: 4, StepConditioning: model.Additive},
	}
}

// Enumerable is the trial whose rows can all be listed.
func Enumerable(source string, share float64) Trial {
	x := Large(source, share)
	x.Chain, x.Length = Small, 4
	return x
}

func (x Trial) scheduler() flow.Scheduler { return flow.Polynomial{N: 1} }

func (x Trial) source() flow.Source {
	if x.Source == "mask" {
		return flow.Mask{Vocab: x.Chain.Vocab()}
	}
	return flow.Uniform{Vocab: x.Chain.Vocab()}
}

// Posterior is the network that pretraining could reach at best.
func (x Trial) Posterior() *Posterior {
	return &Posterior{Chain: x.Chain, Source: x.source(), Scheduler: x.scheduler()}
}

func (x Trial) solver() flow.Solver { return flow.EulerCumulative{Scheduler: x.scheduler()} }

func (x Trial) network() model.Config {
	c := x.Network
	c.VocabSize, c.Length, c.Masked = x.Chain.Vocab(), x.Length, x.Source == "mask"
	return c
}

// Undistilled pretrains a network for extra units more than the student's own
// pretraining.
func (x Trial) Undistilled(ctx context.Context, extra int) (*model.Weights, error) {
	w := model.NewWeights(x.network())
	w.Init(x.Seed)
	c := x.Pretrain
	c.Steps += extra / (trainingUnits * c.Batch)
	loop := x.loop("pretrain", c.Config, w)
	loop.Objective = &train.Pretrain{
		Learner: loop.Learner, EMA: model.NewDenoiser(w.On(loop.EMA)),
		Path: flow.MixturePath{Scheduler: x.scheduler()}, Source: x.source(), GKL: c.Loss == "gkl", Seed: loop.Seed,
	}
	return run(ctx, loop)
}

// Student distils a pretrained network for as many steps as the units allow. It
// returns the units that were spent.
func (x Trial) Student(ctx context.Context, w *model.Weights, d Distillation) (*model.Weights, int, error) {
	c, r := d.Config, d.Rollout
	stages, err := distill.StagesByName(c.Teacher)
	if err != nil {
		return nil, 0, err
	}
	w = w.Clone()
	w.Config.StepConditioning, w.Config.StepEmbedding = d.Conditioning, d.Embedding
	student := model.NewStudent(w, x.Seed)
	loop := x.loop("distill", c.Config, student)
	ema := model.NewDenoiser(student.On(loop.EMA))
	asked, stepper := &counter{Denoiser: ema}, model.NewStepper()
	o := &distill.Objective{
		Config: c, Learner: loop.Learner, EMA: ema, Pretrained: &counter{Denoiser: model.NewDenoiser(w)},
		Teacher: &distill.Shortcut{
			Jumper: flow.Jumper{Denoiser: asked, Stepper: &stepper, Candidates: c.Candidates}, Solver: x.solver(), Stages: stages,
		},
		Path: flow.MixturePath{Scheduler: x.scheduler()}, Source: x.source(), Grid: r.Grid, Seed: loop.Seed,
	}
	loop.Objective = o
	if o.Budgets, err = flow.NewBudgets(c.Budgets, c.MaxBudget); err != nil {
		return nil, 0, err
	}
	spent := 0
	if c.UsesTrajectories() {
		if o.Rollouts, err = x.rollout(ctx, w, r); err != nil {
			return nil, 0, err
		}
		spent = r.Trajectories * r.Steps * r.Candidates
	}
	loop.Config.Steps = int(float64(x.Units-spent) / (float64(c.Batch) * unitsPerRow(c, o.Budgets, len(stages))))
	trained, err := run(ctx, loop)
	return trained, spent + trainingUnits*c.Batch*loop.Config.Steps + asked.rows + o.Pretrained.(*counter).rows, err
}

// unitsPerRow is the expected cost of a distilled row.
func unitsPerRow(c distill.Config, b flow.Budgets, stages int) float64 {
	sum := 0.0
	for _, w := range b.Weight {
		sum += w
	}
	asked := 1 - b.Weight[len(b.Weight)-1]/sum // the smallest step learns from data
	units := trainingUnits + (1-c.TrajectoryShare)*asked*float64(1+(stages-1)*c.Candidates)
	if c.Trajectory.KL > 0 {
		units += c.TrajectoryShare
	}
	return units
}

// counter counts the rows that a network evaluates.
type counter struct {
	flow.Denoiser
	rows int
}

func (c *counter) Logits(x flow.Tokens, t, h []float64) ([]float32, error) {
	c.rows += x.Batch
	return c.Denoiser.Logits(x, t, h)
}

// trajectories are held in memory: [n][(grid+1)*L].
type trajectories struct {
	states [][]int32
	length int
}

func (s trajectories) Len() int { return len(s.states) }
func (s trajectories) State(i, k int) []int32 {
	return s.states[i][k*s.length : (k+1)*s.length]
}

func (x Trial) rollout(ctx context.Context, w *model.Weights, c distill.RolloutConfig) (trajectories, error) {
	sampler := x.sampler(model.NewDenoiser(w))
	sampler.Candidates = c.Candidates
	r := distill.Rollout{Sampler: sampler, Length: x.Length, Steps: c.Steps, Grid: c.Grid, Seed: x.Seed}
	states, err := r.Trajectories(ctx, 0, c.Trajectories, nil)
	return trajectories{states, x.Length}, err
}

func (x Trial) sampler(d flow.Denoiser) flow.Sampler {
	return flow.Sampler{Denoiser: d, Solver: x.solver(), Source: x.source(), Stepper: model.NewStepper()}
}

// together is how many rows are sampled at once.
const together = 100

// Draw samples n rows with a budget of steps.
func (x Trial) Draw(ctx context.Context, d flow.Denoiser, steps, n int) ([][]int32, error) {
	sampler, rows := x.sampler(d), make([][]int32, 0, n)
	for len(rows) < n {
		tokens := flow.NewTokens(min(together, n-len(rows)), x.Length)
		streams := flow.Streams(x.Seed, "sample", int64(steps)<<32+int64(len(rows)), tokens.Batch)
		sampler.Source.Sample(tokens, streams)
		if err := sampler.Run(ctx, tokens, flow.TimeGrid(steps), streams, nil, nil); err != nil {
			return nil, err
		}
		for i := range tokens.Batch {
			rows = append(rows, tokens.Row(i))
		}
	}
	return rows, nil
}

func (x Trial) loop(kind string, c train.Config, w *model.Weights) *train.Loop {
	l := train.New(c, w)
	l.Kind, l.Seed, l.Length, l.RunConfig = kind, x.Seed, x.Length, json.RawMessage(`{}`)
	l.Train = data{x.Chain, x.Length, x.Seed}
	return l
}

// run trains to the end and returns the EMA weights. The loop's one save, of its
// last step, goes to a temporary folder.
func run(ctx context.Context, l *train.Loop) (*model.Weights, error) {
	dir, err := os.MkdirTemp("", "fsdfm-toy")
	if err != nil {
		return nil, fmt.Errorf("toy: %w", err)
	}
	defer os.RemoveAll(dir)
	l.Dir, l.Config.CheckpointEvery, l.Config.EvalEvery = dir, l.Config.Steps+1, 0
	if err := l.Run(ctx); err != nil {
		return nil, fmt.Errorf("toy: %w", err)
	}
	return l.Learner.Weights.On(l.EMA), nil
}
