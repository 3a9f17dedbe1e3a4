package configs

import (
	"errors"
	"fmt"
)

// Gate stands between pretraining and what follows: a network whose samples do
// not gain by more steps has nothing that a few-step student could learn.
type Gate struct {
	Enabled   bool    `yaml:"enabled" mapstructure:"enabled"`       // refuse to distil a weak pretrained network, default true
	FewSteps  int     `yaml:"few_steps" mapstructure:"few_steps"`   // a budget of the students, default 8
	ManySteps int     `yaml:"many_steps" mapstructure:"many_steps"` // more steps, whose samples must be better, default 64
	Margin    float64 `yaml:"margin" mapstructure:"margin"`         // share by which their perplexity must be lower, default 0.1
	Tokens    int     `yaml:"tokens" mapstructure:"tokens"`         // sampled a budget, rounded up to whole rows, default 4096
}

// DefaultGate returns the defaults.
func DefaultGate() Gate {
	return Gate{Enabled: true, FewSteps: 8, ManySteps: 64, Margin: 0.1, Tokens: 4096}
}

func (g Gate) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if g.FewSteps < 1 || g.ManySteps <= g.FewSteps {
		bad("few_steps is %d and many_steps %d: must be at least 1, and more than that", g.FewSteps, g.ManySteps)
	}
	if !(g.Margin >= 0 && g.Margin < 1) {
		bad("margin is %v: must be in [0, 1)", g.Margin)
	}
	if g.Tokens < 1 {
		bad("tokens is %d: must be at least 1", g.Tokens)
	}
	return errors.Join(errs...)
}
