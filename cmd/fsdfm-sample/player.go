package main

import (
	"context"
	"fmt"

	"fsdfm/flow"
	"fsdfm/sample"
	"fsdfm/sample/watch"
)

// player is a model with a budget of steps.
type player struct {
	name      string // "8 steps", or with a teacher "student, 8 steps"
	role      string // student, teacher or model
	model     *sample.Model
	generator *sample.Generator
	grid      []float64
	n         int               // texts for each prompt
	prompts   []sample.Prompt   // where the texts come from
	templates []sample.Template // of each prompt
}

// text is a sample of one player.
type text struct {
	player *player
	sample int // its number, from 0
	ids    []int32
}

// players are the budgets of the model, then the teacher.
func (s settings) players(prompts []sample.Prompt) ([]*player, error) {
	m, g, err := s.load(s.model, s.solver)
	if err != nil {
		return nil, err
	}
	role := "model"
	if m.Description.StepAware {
		role = "student"
	}
	var players []*player
	for _, grid := range s.grids(g) {
		players = append(players, &player{role: role, model: m, generator: g, grid: grid})
	}
	if s.teacher != "" {
		m, g, err := s.load(s.teacher, s.solver)
		if err != nil {
			return nil, err
		}
		players = append(players, &player{role: "teacher", model: m, generator: g, grid: g.Spacing.Grid(s.teacherSteps)})
	}
	for _, p := range players {
		p.n, p.prompts, p.name = s.n, prompts, plural(len(p.grid)-1, "step")
		if s.teacher != "" {
			p.name = p.role + ", " + p.name
		}
		if err := p.prepare(s.promptsFile); err != nil {
			return nil, err
		}
	}
	return players, nil
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// load reads a model and makes its generator.
func (s settings) load(dir, solver string) (*sample.Model, *sample.Generator, error) {
	read := sample.Load
	if s.bf16 {
		read = sample.LoadBF16
	}
	m, err := read(dir)
	if err != nil {
		return nil, nil, err
	}
	g, err := m.Generator(solver)
	if err != nil {
		return nil, nil, err
	}
	g.Seed = s.seed
	g.Sampler.Stepper.Truncation = s.truncation
	if s.temperature > 0 {
		g.Temperature = s.temperature
	}
	if s.spacing > 0 {
		g.Spacing = flow.Spacing(s.spacing)
	}
	if s.length > 0 {
		g.Length = s.length
	}
	return m, g, nil
}

// prepare makes the templates of all prompts; file names theirs.
func (p *player) prepare(file string) error {
	for _, prompt := range p.prompts {
		t, err := prompt.Infill.Template(p.model.Tokenizer, p.generator.Length)
		if err != nil {
			if prompt.Line > 0 {
				err = fmt.Errorf("prompts of %s: line %d: %w", file, prompt.Line, err)
			}
			return err
		}
		p.templates = append(p.templates, t)
	}
	return nil
}

// template is what is given of a sample.
func (p *player) template(sample int) sample.Template { return p.templates[sample/p.n] }

// line is where the prompt of a sample stands, 0 if not in a file.
func (p *player) line(sample int) int { return p.prompts[sample/p.n].Line }

// draw writes the samples first .. first+n-1.
func (p *player) draw(ctx context.Context, first, n int, observe func(int, float64, flow.Tokens)) ([]text, error) {
	templates := make([]sample.Template, n)
	for i := range templates {
		templates[i] = p.template(first + i)
	}
	drawn, err := p.generator.Complete(ctx, p.grid, first, templates, observe)
	if err != nil {
		return nil, err
	}
	texts := make([]text, n)
	for i, ids := range drawn {
		texts[i] = text{p, first + i, ids}
	}
	return texts, nil
}

// warm evaluates the network once, so that no recording has the time that
// building it takes.
func (p *player) warm() error {
	_, err := p.generator.Sampler.Denoiser.Logits(flow.NewTokens(1, p.generator.Length), []float64{0}, []float64{1})
	return err
}

// piece is what a token is shown as while a text is written.
func (p *player) piece(id int32) string {
	switch {
	case id == p.model.Tokenizer.EndOfText():
		return "␃"
	case int(id) >= p.model.Tokenizer.Vocab():
		return "░" // the mask
	}
	return p.model.Tokenizer.Decode([]int32{id})
}

// recording of a sample.
func (p *player) recording(sample int) *watch.Recording {
	r := &watch.Recording{Name: p.name, Steps: len(p.grid) - 1, Piece: p.piece}
	for _, id := range p.template(sample) {
		r.Given = append(r.Given, id >= 0)
	}
	return r
}

func (t text) decode() string { return t.player.model.Tokenizer.Decode(t.ids) }

// given are the ranges [from, to) of tokens that were given.
func (t text) given() [][2]int {
	var ranges [][2]int
	template := t.player.template(t.sample)
	for i := 0; i < len(template); i++ {
		if template[i] == sample.Free {
			continue
		}
		from := i
		for i < len(template) && template[i] != sample.Free {
			i++
		}
		ranges = append(ranges, [2]int{from, i})
	}
	return ranges
}
