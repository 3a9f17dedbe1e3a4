package eval

import (
	"context"
	"fmt"
)

// The n-grams that a Meter counts: tokens for novelty, characters for the
// divergence, so that it does not depend on the tokenizer.
const (
	noveltyN    = 8
	divergenceN = 3
)

// TextJudge scores texts, in tokens of its own.
type TextJudge interface {
	ScoreTexts(ctx context.Context, texts []string) ([]Likelihood, error)
}

// Meter measures rows.
type Meter struct {
	Judge       Judge
	Transformer TextJudge // nil: one judge only
	Decode      func(row []int32) string
	Train       [][]int32 // the generator's training text, for novelty; nil: not measured
	Reference   Grams     // of real text that is not among the measured rows; zero: no divergence
}

// NewMeter measures against an n-gram judge and reference text, which should
// be that of the judge: real, large, and not the held-out rows that are set
// beside the samples. train may be nil.
func NewMeter(judge Judge, decode func([]int32) string, train, reference []int32) Meter {
	m := Meter{Judge: judge, Decode: decode, Reference: CountGrams([][]int32{characters(decode(reference))}, divergenceN)}
	if train != nil {
		m.Train = [][]int32{train}
	}
	return m
}

// Measure returns every figure but the seconds.
func (m Meter) Measure(ctx context.Context, rows [][]int32) (Figures, error) {
	texts, spelled := make([]string, len(rows)), make([][]int32, len(rows))
	for i, row := range rows {
		texts[i] = m.Decode(row)
		spelled[i] = characters(texts[i])
	}
	f := Figures{
		Score: scoreRows(m.Judge, rows, texts), Entropy: MeanEntropy(rows),
		Distinct2: DistinctN(rows, 2), Distinct4: DistinctN(rows, 4), Repeated4: RepeatedNGrams(rows, 4),
	}
	if m.Train != nil {
		f.Novelty = Novelty(rows, m.Train, noveltyN)
	}
	if m.Reference.total > 0 {
		f.Divergence = JensenShannon(CountGrams(spelled, m.Reference.n), m.Reference)
	}
	if m.Transformer == nil {
		return f, nil
	}
	list, err := m.Transformer.ScoreTexts(ctx, texts)
	if err != nil {
		return f, fmt.Errorf("transformer judge: %w", err)
	}
	f.Transformer = NewScore(list)
	return f, nil
}
