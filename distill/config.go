// Package distill turns a pretrained denoiser into a few-step student: shortcut
// teachers (arXiv 2509.20624, section 3.3), rolled-out trajectories of the
// many-step sampler, and the objective that learns from either.
package distill

import (
	"errors"
	"fmt"
	"math/bits"

	"fsdfm/train"
)

// Config is stage 2.
type Config struct {
	train.Config    `yaml:",inline" mapstructure:",squash"`
	Teacher         string           `yaml:"teacher" mapstructure:"teacher"`                   // rk4 (default) | heun: the shortcut teacher's table of stages
	Candidates      int              `yaml:"candidates" mapstructure:"candidates"`             // jumps tried for each of the shortcut teacher's midpoints, the most coherent is kept; default 1
	Budgets         string           `yaml:"budgets" mapstructure:"budgets"`                   // uniform (default) | doubling (the reference's 2^k) | ramp
	MaxBudget       int              `yaml:"max_budget" mapstructure:"max_budget"`             // largest budget, a power of two, default 1024; its rows tie the student to real data
	PathLoss        string           `yaml:"path_loss" mapstructure:"path_loss"`               // gkl (default) | ce: the loss of rows with the smallest step
	PathScale       string           `yaml:"path_scale" mapstructure:"path_scale"`             // instantaneous (default) | cumulative: the weight of a gkl path loss
	KL              string           `yaml:"kl" mapstructure:"kl"`                             // forward (default) | reverse | mixed, half of each: the loss against the teacher's logits
	KLTemperature   float64          `yaml:"kl_temperature" mapstructure:"kl_temperature"`     // of both softmaxes of a forward KL, default 1
	KLTopK          int              `yaml:"kl_top_k" mapstructure:"kl_top_k"`                 // a forward KL over the teacher's k likeliest tokens only; 0: all (default)
	KLTopP          float64          `yaml:"kl_top_p" mapstructure:"kl_top_p"`                 // a forward KL over the teacher's likeliest tokens up to this mass; 0: all (default)
	KLConfidence    bool             `yaml:"kl_confidence" mapstructure:"kl_confidence"`       // weigh positions by how certain the teacher is, default false
	CouplingShare   float64          `yaml:"coupling_share" mapstructure:"coupling_share"`     // share of the other rows whose noise and text are the ends of a trajectory (arXiv 2507.15897), default 0
	TrajectoryShare float64          `yaml:"trajectory_share" mapstructure:"trajectory_share"` // share of rows that learn from rolled-out trajectories: 0 shortcut only (default), 1 trajectories only
	Trajectory      TrajectoryConfig `yaml:"trajectory" mapstructure:"trajectory"`             // what those rows match
}

// TrajectoryConfig weighs the losses of a trajectory row: from the state at t,
// with step size h.
type TrajectoryConfig struct {
	Jump float64 `yaml:"jump" mapstructure:"jump"` // -log of the student's own jump kernel at the state at t+h, default 1
	End  float64 `yaml:"end" mapstructure:"end"`   // cross entropy against the trajectory's end, default 0
	KL   float64 `yaml:"kl" mapstructure:"kl"`     // KL to the pretrained network's logits at the state at t+h, default 0
}

// DefaultConfig returns the defaults of stage 2.
func DefaultConfig() Config {
	c := Config{
		Config: train.DefaultConfig(), Teacher: "rk4", Candidates: 1, Budgets: "uniform", MaxBudget: 1024,
		PathLoss: "gkl", PathScale: "instantaneous", KL: "forward", KLTemperature: 1, Trajectory: TrajectoryConfig{Jump: 1},
	}
	c.EMADecay = 0.99
	c.Optim.LR = 3e-4
	return c
}

// UsesTrajectories reports whether the rollout stage must have run.
func (c Config) UsesTrajectories() bool { return c.TrajectoryShare > 0 || c.CouplingShare > 0 }

// Validate reports every problem at once.
func (c Config) Validate() error {
	errs := []error{c.Config.Validate()}
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if _, err := StagesByName(c.Teacher); err != nil {
		errs = append(errs, err)
	}
	oneOf := func(name, v string, known ...string) {
		for _, k := range known {
			if v == k {
				return
			}
		}
		bad("%s is %q: must be one of %v", name, v, known)
	}
	if c.Candidates < 1 {
		bad("candidates is %d: must be at least 1", c.Candidates)
	}
	oneOf("budgets", c.Budgets, "uniform", "doubling", "ramp")
	oneOf("path_loss", c.PathLoss, "gkl", "ce")
	oneOf("path_scale", c.PathScale, "instantaneous", "cumulative")
	if c.PathLoss == "ce" && c.PathScale != "instantaneous" {
		bad("path_scale is %s: a path_loss of ce has no rate", c.PathScale)
	}
	oneOf("kl", c.KL, "forward", "reverse", "mixed")
	if c.MaxBudget < 2 || bits.OnesCount(uint(c.MaxBudget)) != 1 {
		bad("max_budget is %d: must be a power of two, at least 2", c.MaxBudget)
	}
	if !(c.KLTemperature > 0) || c.KLTopK < 0 || !(c.KLTopP >= 0 && c.KLTopP <= 1) {
		bad("kl_temperature is %v, kl_top_k %d, kl_top_p %v: must be above 0, at least 0, and in [0, 1]", c.KLTemperature, c.KLTopK, c.KLTopP)
	}
	if c.KL != "forward" && (c.KLTemperature != 1 || c.KLTopK != 0 || c.KLTopP != 0 || c.KLConfidence) {
		bad("kl is not forward: kl_temperature, kl_top_k, kl_top_p and kl_confidence belong to the forward KL alone")
	}
	if !(c.CouplingShare >= 0 && c.CouplingShare <= 1) {
		bad("coupling_share is %v: must be in [0, 1]", c.CouplingShare)
	}
	if !(c.TrajectoryShare >= 0 && c.TrajectoryShare <= 1) {
		bad("trajectory_share is %v: must be in [0, 1]", c.TrajectoryShare)
	}
	w := c.Trajectory
	if w.Jump < 0 || w.End < 0 || w.KL < 0 {
		bad("trajectory weights jump %v, end %v, kl %v must not be negative", w.Jump, w.End, w.KL)
	}
	if c.TrajectoryShare > 0 && w.Jump+w.End+w.KL == 0 {
		bad("trajectory_share is %v but the trajectory weights jump, end and kl are all 0", c.TrajectoryShare)
	}
	return errors.Join(errs...)
}

// RolloutConfig is the many-step teacher.
type RolloutConfig struct {
	Trajectories int     `yaml:"trajectories" mapstructure:"trajectories"` // how many; 0 skips the stage
	Steps        int     `yaml:"steps" mapstructure:"steps"`               // model evaluations of one trajectory, default 1024
	Grid         int     `yaml:"grid" mapstructure:"grid"`                 // states kept, after k/grid of the steps: a power of two dividing steps, default 32
	Batch        int     `yaml:"batch" mapstructure:"batch"`               // trajectories sampled together and written as one file, default 32
	Solver       string  `yaml:"solver" mapstructure:"solver"`             // default euler_cumulative
	Temperature  float64 `yaml:"temperature" mapstructure:"temperature"`   // of the posterior, default 1
	Candidates   int     `yaml:"candidates" mapstructure:"candidates"`     // jumps tried at every step, the most coherent is kept; each costs an evaluation; default 1
	Rarity       float64 `yaml:"rarity" mapstructure:"rarity"`             // what rare tokens count for in coherence: 0 (default) it is -H(p) of the posterior p, 1 KL(p || u) to the text's unigrams u
}

// DefaultRolloutConfig returns the defaults of the rollout stage.
func DefaultRolloutConfig() RolloutConfig {
	return RolloutConfig{Trajectories: 256, Steps: 1024, Grid: 32, Batch: 32, Solver: "euler_cumulative", Temperature: 1, Candidates: 1}
}

// Validate reports every problem at once.
func (c RolloutConfig) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Trajectories < 0 {
		bad("trajectories is %d: must be at least 0", c.Trajectories)
	}
	if c.Batch < 1 {
		bad("batch is %d: must be at least 1", c.Batch)
	}
	if c.Grid < 1 || bits.OnesCount(uint(c.Grid)) != 1 || c.Steps < 1 || c.Steps%c.Grid != 0 {
		bad("grid is %d with %d steps: must be a power of two that divides steps", c.Grid, c.Steps)
	}
	if c.Candidates < 1 {
		bad("candidates is %d: must be at least 1", c.Candidates)
	}
	if !(c.Temperature > 0) {
		bad("temperature is %v: must be above 0", c.Temperature)
	}
	if !(c.Rarity >= 0 && c.Rarity <= 10) {
		bad("rarity is %v: must be in [0, 10], of use up to 1", c.Rarity)
	}
	if c.Rarity > 0 && c.Candidates < 2 {
		bad("rarity is %v but candidates is %d: there is nothing to choose among", c.Rarity, c.Candidates)
	}
	return errors.Join(errs...)
}
