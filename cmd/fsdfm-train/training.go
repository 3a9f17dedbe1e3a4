package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"fsdfm/checkpoints"
	"fsdfm/data"
	"fsdfm/distill"
	"fsdfm/flow"
	"fsdfm/model"
	"fsdfm/train"
)

// The seeds of the stages differ, so that no two draw the same numbers.
const (
	pretrainSeed = iota + 1
	rolloutSeed
	distillSeed
	evaluateSeed
	initSeed
	studentSeed
	gateSeed
)

// seed is the run's seed for one purpose.
func (p *pipeline) seed(purpose uint64) uint64 { return p.config.Seed*1000003 + purpose }

// pretrain is stage 1.
func (p *pipeline) pretrain(ctx context.Context) error {
	w := model.NewWeights(p.network)
	w.Init(p.seed(initSeed))
	c := p.config.Pretrain
	loop := train.New(c.Config, w)
	loop.Kind, loop.Seed, loop.RunConfig = "pretrain", p.seed(pretrainSeed), p.runConfig
	ema := model.NewDenoiser(w.On(loop.EMA))
	loop.Objective = &train.Pretrain{
		Learner: loop.Learner, EMA: ema,
		Path: flow.MixturePath{Scheduler: p.scheduler}, Source: p.source, GKL: c.Loss == "gkl", Seed: loop.Seed,
	}
	if p.isJudge() {
		loop.Objective = &train.NextToken{Learner: loop.Learner, EMA: ema, Seed: loop.Seed}
	}
	p.progress.Note("pretrain: %d parameters, %d steps of %d rows of %d tokens", len(w.Data), c.Steps, c.Batch, p.network.Length)
	return p.train(ctx, loop)
}

// train runs a loop over the run's data, from its newest save: a generator's
// over the training part, a judge's over the part that no generator sees.
func (p *pipeline) train(ctx context.Context, loop *train.Loop) error {
	loop.Dir, loop.Length, loop.Changed = p.path(loop.Kind), p.network.Length, p.options.allowChanged
	loop.Metrics, loop.Observer = train.NewMetrics(p.path("metrics.jsonl")), p.progress
	split := "train"
	if p.isJudge() {
		split = "judge"
	}
	rows, err := p.rows(split)
	if err != nil {
		return err
	}
	loop.Train = data.NewReader(rows, loop.Seed)
	valid, err := p.rows("valid")
	if err != nil {
		return err
	}
	loop.HeldOut = data.NewReader(valid, 0)
	if err := p.mayResume(loop.Kind); err != nil {
		return err
	}
	if err := loop.Resume(); err != nil {
		return err
	}
	p.progress.Start(loop.Kind, loop.Config.Steps)
	if err := loop.Run(ctx); err != nil {
		if errors.Is(err, train.ErrInterrupted) {
			return fmt.Errorf("%s %w at step %d of %d", loop.Kind, err, loop.Step(), loop.Config.Steps)
		}
		return err
	}
	return nil
}

// mayResume refuses to go on with a half-done stage unless asked to.
func (p *pipeline) mayResume(kind string) error {
	path, _, err := checkpoints.Latest(p.path(kind))
	if errors.Is(err, checkpoints.ErrNoSave) || p.options.resume {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("stage %s was interrupted (newest save: %s): add -resume to go on with it, or choose another run with -run NAME", kind, path)
}

// newest loads a vector ("ema" or "weights") of a complete stage's last save.
func (p *pipeline) newest(kind, group string, c model.Config) (*model.Weights, error) {
	path, broken, err := checkpoints.Latest(p.path(kind))
	if len(broken) > 0 {
		return nil, fmt.Errorf("the last save of stage %s is broken (%w): remove %s and go on with -resume to train its last steps again", kind, broken[0], p.mark(kind))
	}
	if err != nil {
		return nil, fmt.Errorf("loading the weights of stage %s: %w", kind, err)
	}
	_, open, err := checkpoints.LoadState(path)
	if err != nil {
		return nil, err
	}
	file, err := open(group)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	w := model.NewWeights(c)
	return w, file.Load(train.Tensors(w, w.Data))
}

// pretrained are the EMA weights of stage 1: what the teacher samples with and
// the student starts from.
func (p *pipeline) pretrained() (*model.Weights, error) {
	return p.newest("pretrain", "ema", p.network)
}

// rollout samples the many-step teacher's trajectories, file by file; files
// that stand are kept.
func (p *pipeline) rollout(ctx context.Context) error {
	c := p.config.Rollout
	if c.Trajectories == 0 {
		return nil
	}
	w, err := p.pretrained()
	if err != nil {
		return err
	}
	if err := p.gate(ctx, w); err != nil {
		return err
	}
	info, solver, err := p.rolloutInfo(w)
	if err != nil {
		return err
	}
	var commonness []float32
	if c.Rarity > 0 {
		text, err := p.rows("train")
		if err != nil {
			return err
		}
		commonness = flow.Commonness(text.Unigrams(p.network.Rows()), c.Rarity)
	}
	rollout := distill.Rollout{
		Sampler: flow.Sampler{
			Denoiser: flow.Tempered{Denoiser: model.NewDenoiser(w), Temperature: c.Temperature},
			Solver:   solver, Source: p.source, Stepper: model.NewStepper(), Candidates: c.Candidates, Commonness: commonness,
		},
		Length: p.network.Length, Steps: c.Steps, Grid: c.Grid, Spacing: p.spacing, Seed: info.Seed,
	}
	dir := p.path("trajectories")
	files := (c.Trajectories + c.Batch - 1) / c.Batch
	missing, err := data.MissingTrajectoryFiles(dir, files, info)
	if err != nil {
		return err
	}
	p.progress.Note("rollout: %d trajectories of %d steps, %d of %d files to make", c.Trajectories, c.Steps, len(missing), files)
	p.progress.Start("rollout", len(missing)*c.Steps)
	for k, index := range missing {
		first := index * c.Batch
		n := min(c.Batch, c.Trajectories-first)
		states, err := rollout.Trajectories(ctx, int64(first), n, func(step int) { p.progress.Set(k*c.Steps + step) })
		if err != nil {
			return fmt.Errorf("rollout %w after %d of %d files", interrupted(ctx, err), files-len(missing)+k, files)
		}
		ids := make([]int64, n)
		for i := range ids {
			ids[i] = int64(first + i)
		}
		if err := data.WriteTrajectories(dir, index, info, ids, states); err != nil {
			return err
		}
	}
	return nil
}

// interrupted names a stop by signal as such.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return train.ErrInterrupted
	}
	return err
}

func (p *pipeline) rolloutInfo(w *model.Weights) (data.RolloutInfo, flow.Solver, error) {
	c := p.config.Rollout
	solver, err := flow.NewSolver(c.Solver, p.scheduler, p.source)
	return data.RolloutInfo{
		Grid: c.Grid, Length: p.network.Length, Vocab: p.network.Rows(), Steps: c.Steps, Solver: c.Solver,
		Source: p.config.Flow.Source, Scheduler: p.config.Flow.Scheduler, Spacing: float64(p.spacing), Temperature: c.Temperature, Candidates: c.Candidates, Rarity: c.Rarity,
		Seed: p.seed(rolloutSeed), WeightsHash: w.Hash(),
	}, solver, err
}

// distill is stage 2.
func (p *pipeline) distill(ctx context.Context) error {
	w, err := p.pretrained()
	if err != nil {
		return err
	}
	if err := p.gate(ctx, w); err != nil {
		return err
	}
	c := p.config.Distill
	student := model.NewStudent(w, p.seed(studentSeed))
	loop := train.New(c.Config, student)
	loop.Kind, loop.Seed = "distill", p.seed(distillSeed)
	if loop.RunConfig, err = p.studentConfig(); err != nil {
		return err
	}
	ema := model.NewDenoiser(student.On(loop.EMA))
	objective := &distill.Objective{
		Config: c, Learner: loop.Learner, EMA: ema, Pretrained: model.NewDenoiser(w),
		Path: flow.MixturePath{Scheduler: p.scheduler}, Source: p.source, Seed: loop.Seed,
		Spacing: p.spacing,
	}
	stages, err := distill.StagesByName(c.Teacher)
	if err != nil {
		return err
	}
	stepper := model.NewStepper()
	objective.Teacher = &distill.Shortcut{
		Jumper: flow.Jumper{Denoiser: ema, Stepper: &stepper, Candidates: c.Candidates}, Solver: p.solver, Stages: stages,
	}
	if objective.Budgets, err = flow.NewBudgets(c.Budgets, c.MaxBudget); err != nil {
		return err
	}
	if c.UsesTrajectories() {
		info, _, err := p.rolloutInfo(w)
		if err != nil {
			return err
		}
		if objective.Rollouts, err = data.OpenTrajectories(p.path("trajectories"), info); err != nil {
			return err
		}
		objective.Grid = info.Grid
	}
	loop.Objective = objective
	p.progress.Note("distill: %d parameters, %d steps of %d rows, teacher %s, %.0f %% of the rows from trajectories",
		len(student.Data), c.Steps, c.Batch, c.Teacher, 100*c.TrajectoryShare)
	return p.train(ctx, loop)
}

func (p *pipeline) studentConfig() (json.RawMessage, error) {
	var c saveConfig
	if err := json.Unmarshal(p.runConfig, &c); err != nil {
		return nil, err
	}
	c.Model = p.describe(p.network.Student())
	return json.Marshal(c)
}
