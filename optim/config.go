// Package optim is AdamW with norm clip, learning-rate schedule and EMA over
// flat parameter vectors.
package optim

import (
	"errors"
	"fmt"
)

// Config is AdamW (Loshchilov & Hutter 2019) and its schedule.
type Config struct {
	LR          float64 `yaml:"lr" mapstructure:"lr"`                     // peak learning rate, default 1e-3
	Warmup      int     `yaml:"warmup" mapstructure:"warmup"`             // steps of linear warm-up, default 100
	MinLRRatio  float64 `yaml:"min_lr_ratio" mapstructure:"min_lr_ratio"` // the cosine ends at lr * this, default 0.1
	Beta1       float64 `yaml:"beta1" mapstructure:"beta1"`               // default 0.9
	Beta2       float64 `yaml:"beta2" mapstructure:"beta2"`               // default 0.95
	Eps         float64 `yaml:"eps" mapstructure:"eps"`                   // default 1e-8
	WeightDecay float64 `yaml:"weight_decay" mapstructure:"weight_decay"` // on every tensor, default 0.03
	Clip        float64 `yaml:"clip" mapstructure:"clip"`                 // largest gradient norm, default 1; 0: none
}

// DefaultConfig holds the reference's settings but for the larger rate that
// small models take.
func DefaultConfig() Config {
	return Config{LR: 1e-3, Warmup: 100, MinLRRatio: 0.1, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.03, Clip: 1}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, name string, v any, rule string) {
		if !ok {
			errs = append(errs, fmt.Errorf("optim.%s is %v: must be %s", name, v, rule))
		}
	}
	check(c.LR > 0, "lr", c.LR, "above 0")
	check(c.Warmup >= 0, "warmup", c.Warmup, "at least 0")
	check(c.MinLRRatio >= 0 && c.MinLRRatio <= 1, "min_lr_ratio", c.MinLRRatio, "in [0, 1]")
	check(c.Beta1 >= 0 && c.Beta1 < 1, "beta1", c.Beta1, "in [0, 1)")
	check(c.Beta2 >= 0 && c.Beta2 < 1, "beta2", c.Beta2, "in [0, 1)")
	check(c.Eps > 0, "eps", c.Eps, "above 0")
	check(c.WeightDecay >= 0, "weight_decay", c.WeightDecay, "at least 0")
	check(c.Clip >= 0, "clip", c.Clip, "at least 0")
	return errors.Join(errs...)
}
