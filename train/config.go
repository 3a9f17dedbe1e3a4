// Package train is the training loop that pretraining and distillation share:
// micro-batches, clip, AdamW, EMA, evaluation, saves and exact resume; and the
// pretraining objective.
package train

import (
	"errors"
	"fmt"

	"fsdfm/optim"
)

// Config drives one training loop.
type Config struct {
	Steps           int          `yaml:"steps" mapstructure:"steps"`                       // optimizer steps
	Batch           int          `yaml:"batch" mapstructure:"batch"`                       // rows a step
	MicroBatch      int          `yaml:"micro_batch" mapstructure:"micro_batch"`           // rows a forward-backward; 0: the whole batch
	Recompute       bool         `yaml:"recompute" mapstructure:"recompute"`               // compute blocks again in the backward pass instead of keeping them: less memory, about a third more time, default false
	Optim           optim.Config `yaml:"optim" mapstructure:"optim"`                       // AdamW, learning rate, clip
	EMADecay        float64      `yaml:"ema_decay" mapstructure:"ema_decay"`               // per step, in [0, 1)
	EvalEvery       int          `yaml:"eval_every" mapstructure:"eval_every"`             // steps between held-out losses; 0: never
	EvalRows        int          `yaml:"eval_rows" mapstructure:"eval_rows"`               // held-out rows, the same at every evaluation
	CheckpointEvery int          `yaml:"checkpoint_every" mapstructure:"checkpoint_every"` // steps between saves; the last step is always saved
	Keep            int          `yaml:"keep" mapstructure:"keep"`                         // saves kept, default 2
	LogEvery        int          `yaml:"log_every" mapstructure:"log_every"`               // steps between lines of metrics.jsonl, default 10
	OnNaN           string       `yaml:"on_nan" mapstructure:"on_nan"`                     // a loss or gradient norm that is no number: stop (default) | skip: leave the step out
}

// DefaultConfig is shared by both stages; each overrides what differs.
func DefaultConfig() Config {
	return Config{
		Steps: 1000, Batch: 32, Optim: optim.DefaultConfig(), EMADecay: 0.999,
		EvalEvery: 200, EvalRows: 64, CheckpointEvery: 200, Keep: 2, LogEvery: 10, OnNaN: "stop",
	}
}

// Micro is the number of rows of one forward-backward.
func (c Config) Micro() int {
	if c.MicroBatch <= 0 || c.MicroBatch > c.Batch {
		return c.Batch
	}
	return c.MicroBatch
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	atLeast := func(name string, v, low int) {
		if v < low {
			errs = append(errs, fmt.Errorf("%s is %d: must be at least %d", name, v, low))
		}
	}
	atLeast("steps", c.Steps, 0)
	atLeast("batch", c.Batch, 1)
	atLeast("micro_batch", c.MicroBatch, 0)
	atLeast("eval_every", c.EvalEvery, 0)
	atLeast("eval_rows", c.EvalRows, 1)
	atLeast("checkpoint_every", c.CheckpointEvery, 1)
	atLeast("keep", c.Keep, 1)
	atLeast("log_every", c.LogEvery, 1)
	if !(c.EMADecay >= 0 && c.EMADecay < 1) {
		errs = append(errs, fmt.Errorf("ema_decay is %v: must be in [0, 1)", c.EMADecay))
	}
	if c.OnNaN != "stop" && c.OnNaN != "skip" {
		errs = append(errs, fmt.Errorf("on_nan is %q: must be stop or skip", c.OnNaN))
	}
	return errors.Join(append(errs, c.Optim.Validate())...)
}

// PretrainConfig is stage 1: the denoiser learns the posterior of the clean
// token.
type PretrainConfig struct {
	Config `yaml:",inline" mapstructure:",squash"`
	Loss   string `yaml:"loss" mapstructure:"loss"` // ce (default): cross entropy | gkl: generalized KL
}

// DefaultPretrainConfig returns the defaults of stage 1.
func DefaultPretrainConfig() PretrainConfig {
	return PretrainConfig{Config: DefaultConfig(), Loss: "ce"}
}

// Validate reports every problem at once.
func (c PretrainConfig) Validate() error {
	err := c.Config.Validate()
	if c.Loss != "ce" && c.Loss != "gkl" {
		err = errors.Join(err, fmt.Errorf("loss is %q: must be ce or gkl", c.Loss))
	}
	return err
}
