package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fsdfm/checkpoints"
	"fsdfm/cmd/internal/cli"
	"fsdfm/configs"
	"fsdfm/data"
	"fsdfm/data/tokenizer"
	"fsdfm/flow"
	"fsdfm/model"
	"fsdfm/sample"
)

// pipeline is one run's folder and everything its stages share.
//
//	runs/NAME/config.yaml             the resolved settings
//	runs/NAME/data/                   token shards, tokenizer.json
//	runs/NAME/metrics.jsonl           losses of both training stages
//	runs/NAME/pretrain/step-*/        saves
//	runs/NAME/gate.json               perplexities that let distillation begin, or not
//	runs/NAME/trajectories/           Arrow files of the rolled-out teacher
//	runs/NAME/distill/step-*/         saves
//	runs/NAME/evaluate/               report.html, report.json, table.txt, table.md, quality.svg, samples.txt
//	runs/NAME/export/                 the student, for inference
//	runs/NAME/STAGE.done              a mark for each complete stage
type pipeline struct {
	dir      string
	config   configs.Config
	options  options
	progress *cli.Progress
	unlock   func()

	dataset   *data.Dataset
	scheduler flow.Scheduler
	source    flow.Source
	solver    flow.Solver
	spacing   flow.Spacing // 0: even
	network   model.Config // of the pretrained network, or of the judge
	runConfig json.RawMessage
}

// options are what the command line says about a run beside its settings.
type options struct {
	resume       bool // go on with a half-done stage
	allowChanged bool // with settings that the stage was not begun with
	ignoreLimits bool // also where memory or disk look too small
}

// A stage is skipped once its mark stands.
type stage struct {
	name string
	run  func(*pipeline, context.Context) error
}

var stages = []stage{
	{"pretrain", (*pipeline).pretrain},
	{"rollout", (*pipeline).rollout},
	{"distill", (*pipeline).distill},
	{"evaluate", (*pipeline).evaluate},
	{"export", (*pipeline).export},
}

func stageNames() []string { return names(stages) }

func names(list []stage) []string {
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.name
	}
	return names
}

// openRun makes or opens a run's folder, locked against a second process.
func openRun(ctx context.Context, runs string, config configs.Config, o options) (*pipeline, error) {
	p := &pipeline{dir: filepath.Join(runs, config.Run), config: config, options: o, progress: cli.NewProgress()}
	unlock, err := checkpoints.Lock(p.dir)
	if err != nil {
		return nil, err
	}
	p.unlock = unlock
	if err := p.prepare(ctx); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *pipeline) close() { p.unlock() }

func (p *pipeline) prepare(ctx context.Context) error {
	if err := p.settle(); err != nil {
		return err
	}
	if err := p.clean(); err != nil {
		return err
	}
	if err := p.openData(ctx); err != nil {
		return err
	}
	c := p.config
	p.scheduler = flow.Polynomial{N: c.Flow.Scheduler}
	if c.Flow.Spacing != 1 {
		p.spacing = flow.Spacing(c.Flow.Spacing)
	}
	p.network = c.Model
	p.network.VocabSize, p.network.Length, p.network.Masked = p.dataset.Vocab(), p.dataset.Length(), c.Flow.Source == "mask"
	if p.isJudge() {
		p.network = p.network.Judge()
	}
	var err error
	if p.source, err = flow.NewSource(c.Flow.Source, p.network.VocabSize); err != nil {
		return err
	}
	if p.solver, err = flow.NewSolver(c.Flow.Solver, p.scheduler, p.source); err != nil {
		return err
	}
	p.runConfig, err = p.savedConfig()
	return err
}

// clean removes what interrupted writers left in the run's folder and in those
// below it.
func (p *pipeline) clean() error {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return fmt.Errorf("cleaning up: %w", err)
	}
	errs := []error{checkpoints.CleanTemporary(p.dir)}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			errs = append(errs, checkpoints.CleanTemporary(p.path(e.Name())))
		}
	}
	return errors.Join(errs...)
}

// saveConfig is what every save carries beside the tensors, so that it can be
// exported on its own.
type saveConfig struct {
	Model     sample.Description `json:"model"`
	Tokenizer json.RawMessage    `json:"tokenizer"`
	Config    string             `json:"config"` // config.yaml
}

func (p *pipeline) savedConfig() (json.RawMessage, error) {
	text, err := p.config.Marshal()
	if err != nil {
		return nil, err
	}
	tok, err := tokenizer.Marshal(p.dataset.Tokenizer())
	if err != nil {
		return nil, err
	}
	return json.Marshal(saveConfig{p.describe(p.network), tok, string(text)})
}

func (p *pipeline) describe(c model.Config) sample.Description {
	d := sample.NewDescription(c)
	d.Source, d.Scheduler, d.Solver = p.config.Flow.Source, p.config.Flow.Scheduler, p.config.Flow.Solver
	d.Spacing = p.spacing
	if t := p.config.Evaluate.Temperature; c.StepAware && t != 1 {
		d.Temperature = t
	}
	d.Corpus, d.ValidShare, d.JudgeShare = p.config.Data.Corpus, p.config.Data.ValidShare, p.config.Data.JudgeShare
	return d
}

// stages runs all of them, or only one.
func (p *pipeline) stages(ctx context.Context, only string) error {
	plan := p.plan()
	names := names(plan)
	if only != "" && !slices.Contains(names, only) {
		return fmt.Errorf("a run of kind %s has no stage %s: it has %s", p.config.Kind, only, strings.Join(names, ", "))
	}
	if err := p.checkMemory(only); err != nil {
		return err
	}
	for _, s := range plan {
		done := exists(p.mark(s.name))
		switch {
		case only != "" && s.name != only:
			if !done && slices.Index(names, s.name) < slices.Index(names, only) {
				return fmt.Errorf("stage %s needs stage %s, which is not complete: run it first", only, s.name)
			}
			continue
		case done:
			p.progress.Note("%s: complete", s.name)
			continue
		}
		if err := p.checkDisk(s.name); err != nil {
			return err
		}
		err := s.run(p, ctx)
		p.progress.Finish()
		if err != nil {
			return err
		}
		if err := checkpoints.WriteFileAtomic(p.mark(s.name), nil); err != nil {
			return err
		}
	}
	return p.show()
}

func (p *pipeline) mark(stage string) string { return filepath.Join(p.dir, stage+".done") }

func (p *pipeline) path(elem ...string) string {
	return filepath.Join(append([]string{p.dir}, elem...)...)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
