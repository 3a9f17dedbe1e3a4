package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"fsdfm/checkpoints"
	"fsdfm/configs"
	"fsdfm/eval"
	"fsdfm/model"
)

// gateReport is gate.json: what was measured, and on what. Another call with the
// same measures does not repeat it.
type gateReport struct {
	measures
	Few  float64 `json:"few_perplexity"`
	Many float64 `json:"many_perplexity"`
}

// measures decide what a gateReport says.
type measures struct {
	WeightsHash string  `json:"weights_hash"`
	FewSteps    int     `json:"few_steps"`
	ManySteps   int     `json:"many_steps"`
	Rows        int     `json:"rows"`
	Solver      string  `json:"solver"`
	Spacing     float64 `json:"spacing,omitempty"`
	JudgeOrder  int     `json:"judge_order"`
}

// gain is the share by which many steps lower the perplexity.
func (r gateReport) gain() float64 { return 1 - r.Many/r.Few }

func (r gateReport) String() string {
	return fmt.Sprintf("samples have perplexity %.2f at a budget of %d and %.2f at %d, a gain of %.1f %%", r.Few, r.FewSteps, r.Many, r.ManySteps, 100*r.gain())
}

// gate refuses a pretrained network whose own samples gain too little by many
// steps: its students would be worse still.
func (p *pipeline) gate(ctx context.Context, w *model.Weights) error {
	c := p.config.Gate
	if !c.Enabled || p.config.Distill.Steps == 0 {
		return nil
	}
	r, err := p.gateReport(ctx, w)
	if err != nil {
		return fmt.Errorf("gate: %w", interrupted(ctx, err))
	}
	if r.gain() >= c.Margin { // false for NaN
		return nil
	}
	return fmt.Errorf("the pretrained network is too weak to distil: %v where gate.margin asks for %.1f %%: pretrain longer in a new run (-set pretrain.steps=%d -run NAME), or distil it all the same with -set gate.enabled=false",
		r, 100*c.Margin, 2*max(1000, p.config.Pretrain.Steps))
}

// gateReport reads gate.json, or makes it.
func (p *pipeline) gateReport(ctx context.Context, w *model.Weights) (gateReport, error) {
	path := p.path("gate.json")
	now := p.gateMeasures(p.config.Gate, w)
	old, err := readGate(path)
	if err != nil || old.measures == now {
		return old, err
	}
	r, err := p.measureGate(ctx, now, w)
	if err != nil {
		return r, err
	}
	p.progress.Note("gate: %v", r)
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return r, err
	}
	return r, checkpoints.WriteFileAtomic(path, append(text, '\n'))
}

// readGate is empty without a file.
func readGate(path string) (gateReport, error) {
	var r gateReport
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s is damaged (%w): remove it", path, err)
	}
	return r, nil
}

func (p *pipeline) gateMeasures(c configs.Gate, w *model.Weights) measures {
	length := p.network.Length
	return measures{
		WeightsHash: w.Hash(), FewSteps: c.FewSteps, ManySteps: c.ManySteps, Rows: (c.Tokens + length - 1) / length,
		Solver: p.config.Flow.Solver, Spacing: float64(p.spacing), JudgeOrder: p.config.Evaluate.JudgeOrder,
	}
}

// measureGate samples with both budgets and judges the samples.
func (p *pipeline) measureGate(ctx context.Context, m measures, w *model.Weights) (gateReport, error) {
	r := gateReport{measures: m}
	rows, err := p.rows("judge")
	if err != nil {
		return r, err
	}
	judge, err := eval.TrainNGram([][]int32{rows.Tokens()}, m.JudgeOrder, p.network.VocabSize)
	if err != nil {
		return r, err
	}
	generator := p.generator(w)
	generator.Seed = p.seed(gateSeed)
	batches := (m.Rows + generator.Batch - 1) / generator.Batch
	p.progress.Start("gate", batches*(m.FewSteps+m.ManySteps))
	done := 0
	for _, budget := range []struct {
		steps      int
		perplexity *float64
	}{{m.FewSteps, &r.Few}, {m.ManySteps, &r.Many}} {
		drawn, err := generator.Draw(ctx, budget.steps, m.Rows, func(n int) { p.progress.Set(done + n) })
		if err != nil {
			return r, err
		}
		done += batches * budget.steps
		*budget.perplexity, _ = eval.Perplexity(judge, drawn)
	}
	return r, nil
}
