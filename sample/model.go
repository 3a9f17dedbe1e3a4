package sample

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"fsdfm/checkpoints"
	"fsdfm/data/tokenizer"
	"fsdfm/flow"
	"fsdfm/model"
)

// Description is config.json of an exported model: the network's shape, the
// flow it was trained on, and where its text came from.
type Description struct {
	Format string `json:"format"` // fsdfm-model-1
	model.Config
	Source    string  `json:"source"`    // uniform | mask
	Scheduler float64 `json:"scheduler"` // exponent n of kappa(t) = t^n
	Solver    string  `json:"solver"`    // the solver it was trained with
	// Spacing is that of the times of a budget; left out: even.
	Spacing flow.Spacing `json:"spacing,omitempty"`
	// Temperature is that of the posterior; left out: 1.
	Temperature float64 `json:"temperature,omitempty"`
	Corpus      string  `json:"corpus"` // austen: its judge part can be made again
	// Shares of the corpus held out, by document.
	ValidShare float64 `json:"valid_share"`
	JudgeShare float64 `json:"judge_share"`
}

const format = "fsdfm-model-1"

// Model is a network ready to sample from.
type Model struct {
	Description Description
	Weights     *model.Weights
	Tokenizer   tokenizer.Tokenizer
}

// Load reads an exported model.
func Load(dir string) (*Model, error) {
	return load(dir, func(c model.Config, file *checkpoints.Safetensors) (*model.Weights, error) {
		w := model.NewWeights(c)
		return w, file.Load(tensors(w))
	})
}

// LoadBF16 reads an exported model into half the memory: its matrices are
// rounded to bfloat16. Such a model samples, but cannot be exported.
func LoadBF16(dir string) (*Model, error) {
	return load(dir, func(c model.Config, file *checkpoints.Safetensors) (*model.Weights, error) {
		return model.ReadBF16(c, func(e model.Entry, dst []float32) error {
			if _, shape, ok := file.Info(e.Name); ok && !slices.Equal(shape, e.Shape) {
				return fmt.Errorf("%s: tensor %q has shape %v, expected %v: use the config that this file was made with", dir, e.Name, shape, e.Shape)
			}
			return file.ReadFloat32(e.Name, dst)
		})
	})
}

func load(dir string, read func(model.Config, *checkpoints.Safetensors) (*model.Weights, error)) (*Model, error) {
	files, err := checkpoints.OpenModel(dir)
	if err != nil {
		return nil, err
	}
	defer files.Close()
	m := new(Model)
	if m.Description, err = ParseDescription(files.Config); err != nil {
		return nil, fmt.Errorf("%s/config.json: %w", dir, err)
	}
	if m.Tokenizer, err = tokenizer.Parse(files.Tokenizer); err != nil {
		return nil, fmt.Errorf("%s/tokenizer.json: %w", dir, err)
	}
	if got := m.Tokenizer.Vocab(); got != m.Description.VocabSize {
		return nil, fmt.Errorf("%s: tokenizer.json has %d tokens but config.json says %d: the files belong to different models", dir, got, m.Description.VocabSize)
	}
	if err := fits(m.Description.Config, files.Weights); err != nil {
		return nil, err
	}
	m.Weights, err = read(m.Description.Config, files.Weights)
	return m, err
}

// ParseDescription reads config.json strictly.
func ParseDescription(text []byte) (Description, error) {
	var d Description
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return d, fmt.Errorf("%w: is this a model exported by fsdfm?", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return d, errors.New("more text follows the JSON object: fetch or export it again")
	}
	if d.Format != format {
		return d, fmt.Errorf("format is %q, expected %q", d.Format, format)
	}
	if d.VocabSize < 1 || d.Length < 1 {
		return d, fmt.Errorf("vocab_size %d and length %d must be at least 1", d.VocabSize, d.Length)
	}
	if err := d.Config.Validate(); err != nil {
		return d, err
	}
	source, err := flow.NewSource(d.Source, d.VocabSize)
	if err != nil {
		return d, err
	}
	if d.Masked != (source.Mask() >= 0) {
		return d, fmt.Errorf("masked is %v but the source is %s", d.Masked, d.Source)
	}
	if !(d.Scheduler > 0) {
		return d, fmt.Errorf("scheduler exponent is %v: must be above 0", d.Scheduler)
	}
	if !(d.Spacing >= 0) {
		return d, fmt.Errorf("spacing is %v: must be above 0, or left out for even steps", d.Spacing)
	}
	if !(d.Temperature >= 0) {
		return d, fmt.Errorf("temperature is %v: must be above 0, or left out for 1", d.Temperature)
	}
	_, err = flow.NewSolver(d.Solver, flow.Polynomial{N: d.Scheduler}, source)
	return d, err
}

// fits refuses a config whose network is larger than the weights file before
// room is made for it.
func fits(c model.Config, file *checkpoints.Safetensors) error {
	total := 0
	for _, name := range file.Names() {
		_, shape, _ := file.Info(name)
		n := 1
		for _, d := range shape {
			n *= d
		}
		total += n
	}
	if want := c.Parameters() + c.HeadDim()/2; want != total {
		return fmt.Errorf("model.safetensors holds %d values but config.json describes %d: the files belong to different models", total, want)
	}
	return nil
}

// NewDescription fills in the format.
func NewDescription(c model.Config) Description { return Description{Format: format, Config: c} }

// Generator samples from the model; solver "" is the one it was trained with.
func (m *Model) Generator(solver string) (*Generator, error) {
	d := m.Description
	if d.Causal {
		return nil, errors.New("this model is a judge: it scores text and does not sample, take the export of a generator's run")
	}
	if solver == "" {
		solver = d.Solver
	}
	source, err := flow.NewSource(d.Source, d.VocabSize)
	if err != nil {
		return nil, err
	}
	s, err := flow.NewSolver(solver, flow.Polynomial{N: d.Scheduler}, source)
	if err != nil {
		return nil, err
	}
	return &Generator{
		Sampler: flow.Sampler{Denoiser: model.NewDenoiser(m.Weights), Solver: s, Source: source, Stepper: model.NewStepper()},
		Length:  d.Length, Batch: together(d.Length * d.Rows()), Seed: 1, Spacing: d.Spacing, Temperature: d.Temperature,
	}, nil
}

// together is how many samples of so many logits are drawn together: 16, but
// not more than 512 MB of logits where one takes less.
func together(logits int) int { return max(1, min(16, 1<<27/max(1, logits))) }
