package main

import (
	"context"

	"fsdfm/cmd/internal/evaluation"
	"fsdfm/sample"
)

// judgeStages are those of a run of kind judge: the network learns the next
// token of text that no generator sees.
var judgeStages = []stage{
	{"pretrain", (*pipeline).pretrain},
	{"export", (*pipeline).exportJudge},
}

// isJudge reports whether the run trains a judge instead of a generator.
func (p *pipeline) isJudge() bool { return p.config.Kind == "judge" }

// plan lists the stages of the run's kind.
func (p *pipeline) plan() []stage {
	if p.isJudge() {
		return judgeStages
	}
	return stages
}

// exportJudge writes the judge for evaluations.
func (p *pipeline) exportJudge(context.Context) error {
	group := map[string]string{"ema": "ema", "student": "weights"}[p.config.Export.Weights]
	w, err := p.newest("pretrain", group, p.network)
	if err != nil {
		return err
	}
	text, err := p.config.Marshal()
	if err != nil {
		return err
	}
	m := sample.Model{Description: p.describe(w.Config), Weights: w, Tokenizer: p.dataset.Tokenizer()}
	return m.Export(p.path("export"), evaluation.JudgeCard(m.Description, string(text)), true)
}
