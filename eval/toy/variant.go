package main

import (
	"fsdfm/distill"
	"fsdfm/model"
)

// Distillation are the settings of a student.
type Distillation struct {
	distill.Config
	Rollout      distill.RolloutConfig
	Conditioning string // model.Additive | model.Fused
	Embedding    string // model.Raw | model.Log
}

// Best are the settings of the student in all tables: what won the comparison of
// variants. A reverse KL lets a student use the noise that a uniform source
// gives it to settle on one of several continuations. A mask gives it none, and
// with a reverse KL it forgets all but one.
func Best(source string) Distillation {
	d := Distillation{distill.DefaultConfig(), distill.DefaultRolloutConfig(), model.Additive, model.Raw}
	d.Batch, d.MaxBudget, d.Optim.LR, d.EMADecay = 32, 64, 1e-3, 0.98
	d.KL, d.Budgets = "reverse", "ramp"
	if source == "mask" {
		d.KL, d.Candidates, d.Optim.LR = "forward", 4, 3e-4
	}
	d.Rollout.Trajectories, d.Rollout.Steps, d.Rollout.Grid = 128, 32, 32
	return d
}

// Variant is another way to distil.
type Variant struct {
	Name   string
	Change func(*Distillation) // of the best
}

// variants are compared by the variants tables. Some repeat what is best for one
// source: it is not for the other.
var variants = []Variant{
	{"student", func(*Distillation) {}},
	{"kl reverse", func(d *Distillation) { d.KL = "reverse" }},
	{"kl mixed", func(d *Distillation) { d.KL = "mixed" }},
	{"kl forward", func(d *Distillation) { d.KL = "forward" }},
	{"kl forward, kl_temperature 0.5", func(d *Distillation) { d.KL, d.KLTemperature = "forward", 0.5 }},
	{"budgets uniform", func(d *Distillation) { d.Budgets = "uniform" }},
	{"budgets doubling", func(d *Distillation) { d.Budgets = "doubling" }},
	{"kl forward, budgets uniform", func(d *Distillation) { d.KL, d.Budgets = "forward", "uniform" }},
	{"teacher heun", func(d *Distillation) { d.Teacher = "heun" }},
	{"step_embedding log", func(d *Distillation) { d.Embedding = model.Log }},
	{"step_conditioning fused", func(d *Distillation) { d.Conditioning = model.Fused }},
	{"ema_decay 0.95", func(d *Distillation) { d.EMADecay = 0.95 }},
	{"ema_decay 0.99", func(d *Distillation) { d.EMADecay = 0.99 }},
	{"ema_decay 0.995", func(d *Distillation) { d.EMADecay = 0.995 }},
	{"lr 3e-4", func(d *Distillation) { d.Optim.LR = 3e-4 }},
	{"lr 1e-3", func(d *Distillation) { d.Optim.LR = 1e-3 }},
	{"lr 3e-3", func(d *Distillation) { d.Optim.LR = 3e-3 }},
	{"max_budget 16", func(d *Distillation) { d.MaxBudget = 16 }},
	{"max_budget 1024", func(d *Distillation) { d.MaxBudget = 1024 }},
	{"path_scale cumulative", func(d *Distillation) { d.PathScale = "cumulative" }},
	{"path_loss ce", func(d *Distillation) { d.PathLoss = "ce" }},
	{"candidates 1", func(d *Distillation) { d.Candidates = 1 }},
	{"candidates 2", func(d *Distillation) { d.Candidates = 2 }},
	{"candidates 4", func(d *Distillation) { d.Candidates = 4 }},
	{"coupling_share 0.5", func(d *Distillation) { d.CouplingShare = 0.5 }},
	{"coupling_share 1", func(d *Distillation) { d.CouplingShare = 1 }},
	{"coupling_share 1, step_embedding log", func(d *Distillation) { d.CouplingShare, d.Embedding = 1, model.Log }},
	{"trajectory_share 0.3", func(d *Distillation) { d.TrajectoryShare = 0.3 }},
	{"trajectory_share 0.3, rollout.candidates 4", func(d *Distillation) { d.TrajectoryShare, d.Rollout.Candidates = 0.3, 4 }},
	{"trajectory_share 1", func(d *Distillation) { d.TrajectoryShare = 1 }},
}
