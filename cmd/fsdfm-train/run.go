package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fsdfm/checkpoints"
	"fsdfm/cmd/internal/cli"
	"fsdfm/configs"
	"fsdfm/data"
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
	resume   bool
	progress *cli.Progress
	unlock   func()

	dataset   *data.Dataset
	scheduler flow.Scheduler
	source    flow.Source
	solver    flow.Solver
	network   model.Config // of the pretrained network, or of the judge
	runConfig json.RawMessage
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
func openRun(runs string, config configs.Config, resume bool) (*pipeline, error) {
	p := &pipeline{dir: filepath.Join(runs, config.Run), config: config, resume: resume, progress: cli.NewProgress()}
	unlock, err := checkpoints.Lock(p.dir)
	if err != nil {
		return nil, err
	}
	p.unlock = unlock
	if err := p.prepare(); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *pipeline) close() { p.unlock() }

func (p *pipeline) prepare() error {
	if err := p.settle(); err != nil {
		return err
	}
	for _, dir := range []string{".", "pretrain", "distill"} {
		if err := checkpoints.CleanTemporary(filepath.Join(p.dir, dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := p.openData(); err != nil {
		return err
	}
	c := p.config
	p.scheduler = flow.Polynomial{N: c.Flow.Scheduler}
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

// settle stores the settings of a new run and refuses other ones later.
func (p *pipeline) settle() error {
	path := filepath.Join(p.dir, "config.yaml")
	text, err := p.config.Marshal()
	if err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return checkpoints.WriteFileAtomic(path, text)
	}
	if err != nil {
		return fmt.Errorf("reading the run's settings: %w", err)
	}
	if bytes.Equal(old, text) {
		return nil
	}
	stored, err := configs.Load(path, nil, nil)
	if err != nil {
		return fmt.Errorf("the run's own settings do not load: %w", err)
	}
	changed := configs.Changed(stored, p.config)
	if bound := slices.DeleteFunc(slices.Clone(changed), p.free); len(bound) > 0 {
		return fmt.Errorf("%s was begun with other settings (%s): restore them, or choose another run with -run NAME", p.dir, strings.Join(bound, ", "))
	}
	if err := p.reopen(changed); err != nil {
		return err
	}
	return checkpoints.WriteFileAtomic(path, text)
}

// free reports whether a setting may still change: it decides nothing that the
// run's folder holds. So a mistake in a run file can be mended until the stage
// that it bears on has begun.
func (p *pipeline) free(key string) bool {
	holds := func(name string) bool { return exists(p.path(name)) }
	switch section, _, _ := strings.Cut(key, "."); section {
	case "run", "threads", "gate", "evaluate", "export":
		return true
	case "data":
		return !holds("data") && !holds("pretrain")
	case "rollout":
		return !holds("trajectories") && !holds("distill")
	case "distill":
		return !holds("distill")
	}
	return !holds("pretrain")
}

// reopen unmarks the first stage whose own settings changed and those after it.
func (p *pipeline) reopen(changed []string) error {
	redo := false
	for _, s := range stages {
		redo = redo || slices.ContainsFunc(changed, func(key string) bool { return strings.HasPrefix(key, s.name+".") })
		if !redo {
			continue
		}
		if err := os.Remove(p.mark(s.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("stage %s must run again: %w", s.name, err)
		}
	}
	return nil
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
	tokenizer, err := data.MarshalTokenizer(p.dataset.Tokenizer())
	if err != nil {
		return nil, err
	}
	return json.Marshal(saveConfig{p.describe(p.network), tokenizer, string(text)})
}

func (p *pipeline) describe(c model.Config) sample.Description {
	d := sample.NewDescription(c)
	d.Source, d.Scheduler, d.Solver = p.config.Flow.Source, p.config.Flow.Scheduler, p.config.Flow.Solver
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
