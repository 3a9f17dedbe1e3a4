// Package model is the step-aware denoising transformer of FS-DFM (arXiv
// 2509.20624, section 3): one description that the trainer, the teacher, the
// EMA copy and the sampler share.
//
// Letters in comments: B rows, L positions, N = B*L, V output rows, D hidden
// size, C condition size, H heads.
package model

import (
	"errors"
	"fmt"
)

// Config is the shape of a network, stored as config.json beside its weights.
// Keys are the reference's names.
type Config struct {
	VocabSize        int     `json:"vocab_size" yaml:"vocab_size" mapstructure:"vocab_size"`                       // data tokens, without the mask; 0 in a run file: the tokenizer's
	Masked           bool    `json:"masked" yaml:"masked" mapstructure:"masked"`                                   // one more row for the mask token; a run file leaves it to flow.source
	Length           int     `json:"length" yaml:"length" mapstructure:"length"`                                   // positions L the network was trained on; 0 in a run file: data.length
	HiddenSize       int     `json:"hidden_size" yaml:"hidden_size" mapstructure:"hidden_size"`                    // D, default 192
	CondDim          int     `json:"cond_dim" yaml:"cond_dim" mapstructure:"cond_dim"`                             // C, default 64
	Blocks           int     `json:"n_blocks" yaml:"n_blocks" mapstructure:"n_blocks"`                             // default 4
	Heads            int     `json:"n_heads" yaml:"n_heads" mapstructure:"n_heads"`                                // default 4
	Dropout          float64 `json:"dropout" yaml:"dropout" mapstructure:"dropout"`                                // after attn_out and after the MLP, default 0
	StepAware        bool    `json:"step_aware" yaml:"-" mapstructure:"-"`                                         // the step size h is an input: true for students
	Causal           bool    `json:"causal" yaml:"-" mapstructure:"-"`                                             // a position sees itself and those before it: true for judges, which predict the next token
	StepConditioning string  `json:"step_conditioning" yaml:"step_conditioning" mapstructure:"step_conditioning"`  // additive (default) | fused
	StepEmbedding    string  `json:"step_embedding,omitempty" yaml:"step_embedding" mapstructure:"step_embedding"` // raw (default, the reference's): of h | log: of ln(1/h)
}

// Additive and Fused are the two ways a student takes its step size.
const (
	Additive = "additive" // c = silu(t_emb + h_emb), h_emb zero at the start: exactly the pretrained function
	Fused    = "fused"    // the reference's: c = silu(W [t_emb; h_emb]), a condition_fuser in every block
)

// Raw and Log are what the features of the step size are taken of. Budgets are
// powers of two: h of 256 and of 128 steps differ by 0.004, ln(1/h) by 0.69.
const (
	Raw = "raw"
	Log = "log"
)

// DefaultConfig is a network small enough for a laptop.
func DefaultConfig() Config {
	return Config{HiddenSize: 192, CondDim: 64, Blocks: 4, Heads: 4, StepConditioning: Additive, StepEmbedding: Raw}
}

// Rows is the number of embedding and output rows: V, or V+1 with a mask token.
func (c Config) Rows() int {
	if c.Masked {
		return c.VocabSize + 1
	}
	return c.VocabSize
}

// HeadDim is the width of one attention head.
func (c Config) HeadDim() int { return c.HiddenSize / c.Heads }

// fused reports whether the network carries the reference's fuser layers.
func (c Config) fused() bool { return c.StepAware && c.StepConditioning == Fused }

// Student is the same network with the step size as an input.
func (c Config) Student() Config {
	c.StepAware = true
	return c
}

// Judge is the same network as an autoregressive one: the logits at a position
// are those of the next token. It has no noise and so no time: t is 0 for every
// row, which makes its modulations learned constants.
func (c Config) Judge() Config {
	c.Causal = true
	return c
}

// Validate reports every problem at once. Vocabulary and length are checked
// only when set, since a run file leaves them to the data.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.HiddenSize < 1 {
		bad("hidden_size is %d: must be at least 1", c.HiddenSize)
	}
	if c.CondDim < 1 {
		bad("cond_dim is %d: must be at least 1", c.CondDim)
	}
	if c.Blocks < 1 {
		bad("n_blocks is %d: must be at least 1", c.Blocks)
	}
	switch {
	case c.Heads < 1:
		bad("n_heads is %d: must be at least 1", c.Heads)
	case c.HiddenSize%c.Heads != 0:
		bad("hidden_size %d is not a multiple of n_heads %d", c.HiddenSize, c.Heads)
	case c.HiddenSize/c.Heads%2 != 0:
		bad("head size %d (hidden_size/n_heads) must be even: rotary embedding turns pairs", c.HiddenSize/c.Heads)
	}
	if !(c.Dropout >= 0 && c.Dropout < 1) {
		bad("dropout is %v: must be in [0, 1)", c.Dropout)
	}
	if c.StepConditioning != Additive && c.StepConditioning != Fused {
		bad("step_conditioning is %q: must be additive or fused", c.StepConditioning)
	}
	if c.Causal && c.StepAware {
		bad("causal and step_aware exclude each other: a judge takes no sampling steps")
	}
	if c.StepEmbedding != "" && c.StepEmbedding != Raw && c.StepEmbedding != Log {
		bad("step_embedding is %q: must be raw or log", c.StepEmbedding)
	}
	if c.VocabSize < 0 || c.Length < 0 {
		bad("vocab_size %d and length %d must not be negative", c.VocabSize, c.Length)
	}
	return errors.Join(append(errs, c.bounded()...)...)
}

// bounded keeps sizes, which may come from a file, from overflowing when they
// are multiplied.
func (c Config) bounded() (errs []error) {
	const most, mostParameters = 1 << 20, 1e13
	for _, size := range []struct {
		name string
		v    int
	}{
		{"vocab_size", c.VocabSize}, {"length", c.Length}, {"hidden_size", c.HiddenSize}, {"cond_dim", c.CondDim},
		{"n_blocks", c.Blocks}, {"n_heads", c.Heads},
	} {
		if size.v > most {
			errs = append(errs, fmt.Errorf("%s is %d: must be at most %d", size.name, size.v, most))
		}
	}
	d := float64(c.HiddenSize)
	if n := float64(c.Blocks) * d * (12*d + 6*float64(c.CondDim)); errs == nil && n > mostParameters {
		errs = append(errs, fmt.Errorf("n_blocks %d of hidden_size %d have about %.0e parameters: must be at most %.0e", c.Blocks, c.HiddenSize, n, mostParameters))
	}
	return errs
}
