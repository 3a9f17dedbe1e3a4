// Package configs holds the YAML run files and the loader that turns one into
// a checked Config.
package configs

import (
	"errors"
	"fmt"
	"slices"

	"fsdfm/data/tokenizer"
	"fsdfm/distill"
	"fsdfm/model"
	"fsdfm/train"
)

// Config is one run, all stages.
type Config struct {
	Run      string                `yaml:"run" mapstructure:"run"`         // the run's folder under runs/
	Kind     string                `yaml:"kind" mapstructure:"kind"`       // generator (default) | judge: pretrain and export an autoregressive judge on the judge's part of the text
	Seed     uint64                `yaml:"seed" mapstructure:"seed"`       // of everything random, default 1
	Threads  int                   `yaml:"threads" mapstructure:"threads"` // 0: all cores
	Data     Data                  `yaml:"data" mapstructure:"data"`
	Flow     Flow                  `yaml:"flow" mapstructure:"flow"`
	Model    model.Config          `yaml:"model" mapstructure:"model"`
	Pretrain train.PretrainConfig  `yaml:"pretrain" mapstructure:"pretrain"`
	Gate     Gate                  `yaml:"gate" mapstructure:"gate"`
	Rollout  distill.RolloutConfig `yaml:"rollout" mapstructure:"rollout"`
	Distill  distill.Config        `yaml:"distill" mapstructure:"distill"`
	Evaluate Evaluate              `yaml:"evaluate" mapstructure:"evaluate"`
	Export   Export                `yaml:"export" mapstructure:"export"`
}

// Data says where the rows come from: the embedded text, text files, or a
// folder that fsdfm-data made.
type Data struct {
	Corpus     string   `yaml:"corpus" mapstructure:"corpus"`           // austen (default): the embedded novels | files | dir
	Files      []string `yaml:"files,flow" mapstructure:"files"`        // .txt, .jsonl or .parquet files, folders or globs, for corpus: files
	Field      string   `yaml:"field" mapstructure:"field"`             // of JSON lines, or column of Parquet, with the text, default text
	Dir        string   `yaml:"dir" mapstructure:"dir"`                 // a folder of token shards, for corpus: dir
	Tokenizer  string   `yaml:"tokenizer" mapstructure:"tokenizer"`     // char (default) | bytes | bpe | gpt2 | a tokenizer.json
	VocabSize  int      `yaml:"vocab_size" mapstructure:"vocab_size"`   // tokens that bpe is trained to, default 1024
	Length     int      `yaml:"length" mapstructure:"length"`           // tokens a row, default 64
	ValidShare float64  `yaml:"valid_share" mapstructure:"valid_share"` // of the text, by document, default 0.05
	JudgeShare float64  `yaml:"judge_share" mapstructure:"judge_share"` // of the text, by document, default 0.25
}

// Flow is the probability path and the sampler that goes with it.
type Flow struct {
	Source    string  `yaml:"source" mapstructure:"source"`       // uniform (default) | mask
	Scheduler float64 `yaml:"scheduler" mapstructure:"scheduler"` // exponent n of kappa(t) = t^n, default 1
	Solver    string  `yaml:"solver" mapstructure:"solver"`       // euler_cumulative (default) | euler | ancestral | mixture_euler
	Spacing   float64 `yaml:"spacing" mapstructure:"spacing"`     // of the steps' times 1-(1-k/N)^spacing: 1 (default) even, above 1 denser towards the text
}

// Evaluate is the table at the end of a run.
type Evaluate struct {
	Steps        []int     `yaml:"steps,flow" mapstructure:"steps"`               // budgets of the student and the teacher
	TeacherSteps int       `yaml:"teacher_steps" mapstructure:"teacher_steps"`    // the teacher's full budget, default 1024
	Rows         int       `yaml:"rows" mapstructure:"rows"`                      // samples a budget, default 64
	Batch        int       `yaml:"batch" mapstructure:"batch"`                    // samples drawn together, default 32
	Seeds        int       `yaml:"seeds" mapstructure:"seeds"`                    // sets of samples a budget; the table has mean and deviation, default 3
	Temperature  float64   `yaml:"temperature" mapstructure:"temperature"`        // of the student's posterior when it samples, also the default of its export; default 1, which is the teacher's
	Temperatures []float64 `yaml:"temperatures,flow" mapstructure:"temperatures"` // at which the largest budgets are sampled too, for the frontier; default [0.8, 0.9, 1.1]
	JudgeOrder   int       `yaml:"judge_order" mapstructure:"judge_order"`        // order of the n-gram judge, default 5
	Judge        string    `yaml:"judge" mapstructure:"judge"`                    // the export folder of a kind: judge run, as a second judge; empty (default): none
	Weights      string    `yaml:"weights" mapstructure:"weights"`                // ema (default) | raw: which weights are scored
	Samples      int       `yaml:"samples" mapstructure:"samples"`                // texts printed at the end, default 3
}

// Export is what the last stage writes.
type Export struct {
	Weights string `yaml:"weights" mapstructure:"weights"` // ema (default) | student: the raw weights
}

// Default is every setting's default.
func Default() Config {
	return Config{
		Run: "run", Kind: "generator", Seed: 1,
		Data:     Data{Corpus: "austen", Field: "text", Tokenizer: "char", VocabSize: 1024, Length: 64, ValidShare: 0.05, JudgeShare: 0.25},
		Flow:     Flow{Source: "uniform", Scheduler: 1, Solver: "euler_cumulative", Spacing: 1},
		Model:    model.DefaultConfig(),
		Pretrain: train.DefaultPretrainConfig(),
		Gate:     DefaultGate(),
		Rollout:  distill.DefaultRolloutConfig(),
		Distill:  distill.DefaultConfig(),
		Evaluate: Evaluate{
			Steps: []int{1, 2, 4, 8}, TeacherSteps: 1024, Rows: 64, Batch: 32, Seeds: 3, Temperature: 1, Temperatures: []float64{0.8, 0.9, 1.1},
			JudgeOrder: 5, Weights: "ema", Samples: 3,
		},
		Export: Export{Weights: "ema"},
	}
}

// Validate reports every problem at once, each with its full key.
func (c Config) Validate() error {
	var errs []error
	under := func(section string, err error) { errs = append(errs, prefixed(section+".", err)...) }
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Run == "" {
		bad("run is empty: give the run a name")
	}
	if c.Kind != "generator" && c.Kind != "judge" {
		bad("kind is %q: must be one of [generator judge]", c.Kind)
	}
	if c.Threads < 0 {
		bad("threads is %d: must be at least 0", c.Threads)
	}
	under("data", c.Data.validate())
	under("flow", c.Flow.validate())
	under("model", c.Model.Validate())
	under("pretrain", c.Pretrain.Validate())
	under("gate", c.Gate.validate())
	under("rollout", c.Rollout.Validate())
	under("rollout", validSolver(c.Rollout.Solver))
	under("distill", c.Distill.Validate())
	under("evaluate", c.Evaluate.validate())
	if c.Export.Weights != "ema" && c.Export.Weights != "student" {
		bad("export.weights is %q: must be ema or student", c.Export.Weights)
	}
	errs = append(errs, c.conflicts()...)
	return errors.Join(errs...)
}

// conflicts lists the settings that are fine alone but not with each other.
func (c Config) conflicts() []error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Distill.Steps > 0 && c.Distill.UsesTrajectories() && c.Rollout.Trajectories == 0 {
		bad("distill.trajectory_share is %v and distill.coupling_share %v but rollout.trajectories is 0: there is nothing to learn from", c.Distill.TrajectoryShare, c.Distill.CouplingShare)
	}
	if c.Kind == "judge" && c.Pretrain.Loss != "ce" {
		bad("kind is judge but pretrain.loss is %q: a judge learns by cross entropy, leave pretrain.loss out", c.Pretrain.Loss)
	}
	if c.Kind == "judge" && c.Flow.Source != "uniform" {
		bad("kind is judge but flow.source is %q: a judge has no noise, leave flow out", c.Flow.Source)
	}
	if c.Kind == "judge" && c.Data.Length < 2 {
		bad("kind is judge but data.length is %d: rows of one token have no next token", c.Data.Length)
	}
	if c.Model.Masked && c.Flow.Source != "mask" {
		bad("model.masked is true but flow.source is %q: set flow.source: mask and leave model.masked out", c.Flow.Source)
	}
	if c.Model.Length != 0 && c.Model.Length != c.Data.Length {
		bad("model.length is %d but data.length is %d: leave model.length out", c.Model.Length, c.Data.Length)
	}
	return errs
}

func (d Data) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch d.Corpus {
	case "austen":
	case "files":
		if len(d.Files) == 0 {
			bad("files is empty: name the text files for corpus: files")
		}
	case "dir":
		if d.Dir == "" {
			bad("dir is empty: name a folder made by fsdfm-data for corpus: dir")
		}
	default:
		bad("corpus is %q: must be one of [austen files dir]", d.Corpus)
	}
	if err := tokenizer.Check(d.Tokenizer, d.VocabSize); err != nil {
		bad("tokenizer: %w", err)
	}
	if d.Field == "" {
		bad("field is empty: name the field or column that holds the text")
	}
	if d.Length < 1 {
		bad("length is %d: must be at least 1", d.Length)
	}
	if !(d.ValidShare > 0 && d.ValidShare < 1) {
		bad("valid_share is %v: must be in (0, 1)", d.ValidShare)
	}
	if !(d.JudgeShare > 0 && d.JudgeShare < 1) {
		bad("judge_share is %v: must be in (0, 1)", d.JudgeShare)
	}
	if d.ValidShare+d.JudgeShare >= 0.9 {
		bad("valid_share + judge_share is %v: leave at least 0.1 for training", d.ValidShare+d.JudgeShare)
	}
	return errors.Join(errs...)
}

func (f Flow) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !slices.Contains([]string{"uniform", "mask"}, f.Source) {
		bad("source is %q: must be one of [uniform mask]", f.Source)
	}
	if !(f.Scheduler > 0) {
		bad("scheduler is %v: the exponent must be above 0", f.Scheduler)
	}
	if !(f.Spacing > 0) {
		bad("spacing is %v: must be above 0, 1 for even steps", f.Spacing)
	}
	if err := validSolver(f.Solver); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func validSolver(name string) error {
	known := []string{"euler_cumulative", "euler", "ancestral", "mixture_euler"}
	if !slices.Contains(known, name) {
		return fmt.Errorf("solver is %q: must be one of %v", name, known)
	}
	return nil
}

func (e Evaluate) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, s := range append(slices.Clone(e.Steps), e.TeacherSteps) {
		if s < 1 {
			bad("steps is %v, teacher_steps %d: every budget must be at least 1", e.Steps, e.TeacherSteps)
			break
		}
	}
	if e.Rows < 1 || e.Batch < 1 {
		bad("rows %d and batch %d must be at least 1", e.Rows, e.Batch)
	}
	if e.Seeds < 1 {
		bad("seeds is %d: must be at least 1", e.Seeds)
	}
	if !(e.Temperature > 0 && e.Temperature <= 100) {
		bad("temperature is %v: must be above 0 and at most 100", e.Temperature)
	}
	for _, t := range e.Temperatures {
		if !(t > 0 && t <= 100) {
			bad("temperatures is %v: each must be above 0 and at most 100", e.Temperatures)
			break
		}
	}
	if e.JudgeOrder < 1 || e.JudgeOrder > 8 {
		bad("judge_order is %d: must be in 1..8", e.JudgeOrder)
	}
	if e.Weights != "ema" && e.Weights != "raw" {
		bad("weights is %q: must be ema or raw", e.Weights)
	}
	if e.Samples < 0 {
		bad("samples is %d: must be at least 0", e.Samples)
	}
	return errors.Join(errs...)
}

// prefixed puts the prefix before each of the problems joined in err, at any
// depth.
func prefixed(prefix string, err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{fmt.Errorf("%s%w", prefix, err)}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, prefixed(prefix, e)...)
	}
	return all
}
