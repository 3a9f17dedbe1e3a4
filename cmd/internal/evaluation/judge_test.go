package evaluation_test

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"fsdfm/cmd/internal/evaluation"
	"fsdfm/data"
	"fsdfm/data/tokenizer"
	"fsdfm/eval"
	"fsdfm/model"
	"fsdfm/sample"
	"fsdfm/train"
)

const (
	letters = "abcdefg"
	length  = 16
)

// language draws texts in which two letters decide the next, nine times in ten:
// it is one further after a letter of odd number, two further after an even one.
func language(rng *rand.Rand, n int) []string {
	texts := make([]string, n)
	for i := range texts {
		x := []int{rng.IntN(len(letters)), rng.IntN(len(letters))}
		for len(x) < length {
			a, b := x[len(x)-2], x[len(x)-1]
			next := (b + 1 + (a+1)%2) % len(letters)
			if rng.IntN(10) == 0 {
				next = rng.IntN(len(letters))
			}
			x = append(x, next)
		}
		for _, w := range x {
			texts[i] += letters[w : w+1]
		}
	}
	return texts
}

// judge trains one on the language, exports it and loads it again.
func judge(t *testing.T, generator sample.Description) *eval.Transformer {
	t.Helper()
	tok, err := tokenizer.New("char", 0, func(yield func(string, error) bool) { yield(letters, nil) })
	if err != nil {
		t.Fatal(err)
	}
	var ids []int32
	for _, text := range language(rand.New(rand.NewPCG(1, 0)), 2000) {
		row, err := tok.Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, row...)
	}
	rows, err := data.NewRows(ids, length)
	if err != nil {
		t.Fatal(err)
	}
	network := model.Config{VocabSize: tok.Vocab(), Length: length, HiddenSize: 32, CondDim: 8, Blocks: 1, Heads: 2, StepConditioning: model.Additive}.Judge()
	w := model.NewWeights(network)
	w.Init(1)
	c := train.DefaultConfig()
	c.Steps, c.Batch, c.EMADecay, c.EvalEvery, c.CheckpointEvery = 300, 32, 0.9, 0, 300
	c.Optim.LR, c.Optim.Warmup = 1e-2, 20
	loop := train.New(c, w)
	loop.Kind, loop.Dir, loop.Length, loop.RunConfig = "judge", t.TempDir(), length, []byte("{}")
	loop.Objective, loop.Train = &train.NextToken{Learner: loop.Learner, EMA: model.NewDenoiser(w)}, data.NewReader(rows, 1)
	if err := loop.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	m := sample.Model{Description: generator, Weights: w, Tokenizer: tok}
	m.Description.Config = network
	dir := filepath.Join(t.TempDir(), "judge")
	if err := m.Export(dir, evaluation.JudgeCard(m.Description, ""), false); err != nil {
		t.Fatal(err)
	}
	loaded, name, err := evaluation.LoadJudge(dir, generator)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(name, "a transformer of 0.0 M parameters (char)") {
		t.Errorf("the judge is called %q", name)
	}
	return loaded
}

// replaced puts a random letter in place of one in twenty.
func replaced(rng *rand.Rand, texts []string) []string {
	changed := make([]string, len(texts))
	for i, text := range texts {
		row := []byte(text)
		for j := range row {
			if rng.IntN(20) == 0 {
				row[j] = letters[rng.IntN(len(letters))]
			}
		}
		changed[i] = string(row)
	}
	return changed
}

// bigrams draws each letter from those that follow the last one in texts.
func bigrams(rng *rand.Rand, texts []string) []string {
	follow := map[byte][]byte{}
	for _, text := range texts {
		for j := range len(text) - 1 {
			follow[text[j]] = append(follow[text[j]], text[j+1])
		}
	}
	drawn := make([]string, len(texts))
	for i := range drawn {
		row := []byte{letters[rng.IntN(len(letters))]}
		for len(row) < length {
			next := follow[row[len(row)-1]]
			row = append(row, next[rng.IntN(len(next))])
		}
		drawn[i] = string(row)
	}
	return drawn
}

// unigrams draws each letter from all of texts.
func unigrams(rng *rand.Rand, texts []string) []string {
	all, drawn := strings.Join(texts, ""), make([]string, len(texts))
	for i := range drawn {
		for range length {
			at := rng.IntN(len(all))
			drawn[i] += all[at : at+1]
		}
	}
	return drawn
}

// The text that a judge must order: real, 5 % replaced, drawn from a bigram
// model, drawn from a unigram model.
func TestTransformerOrdersText(t *testing.T) {
	generator := sample.NewDescription(model.Config{})
	generator.Source, generator.Scheduler, generator.Solver, generator.JudgeShare = "uniform", 1, "euler_cumulative", 0.25
	j := judge(t, generator)
	rng := rand.New(rand.NewPCG(2, 0))
	real := language(rng, 200)
	last := 0.0
	for _, text := range []struct {
		name  string
		texts []string
	}{{"real", real}, {"5 % replaced", replaced(rng, real)}, {"bigram samples", bigrams(rng, real)}, {"unigram samples", unigrams(rng, real)}} {
		list, err := j.ScoreTexts(context.Background(), text.texts)
		if err != nil {
			t.Fatal(err)
		}
		s := eval.NewScore(list)
		t.Logf("%-15s %6.2f", text.name, s.Perplexity)
		if s.Perplexity < 1.1*last {
			t.Errorf("%s: perplexity %.2f, should be well above %.2f", text.name, s.Perplexity, last)
		}
		last = s.Perplexity
	}
}
