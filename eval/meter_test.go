package eval_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"fsdfm/eval"
)

// letters decodes 1 as a, 2 as b ...; 0 as the two bytes of an umlaut.
func letters(row []int32) string {
	var b strings.Builder
	for _, w := range row {
		if w == 0 {
			b.WriteRune('ä')
			continue
		}
		b.WriteByte(byte('a' + w - 1))
	}
	return b.String()
}

func TestMeter(t *testing.T) {
	rows := [][]int32{{1, 2, 1, 2, 1, 2, 1, 2, 1}, {3, 4, 5, 6, 7, 8, 9, 0, 0}}
	meter := eval.NewMeter(even{}, letters, rows[0], []int32{1, 2, 1, 3, 4, 5})
	got, err := meter.Measure(context.Background(), rows)
	if err != nil {
		t.Fatal(err)
	}
	want := eval.Figures{
		Score:      eval.Score{Perplexity: 2, MeanPerplexity: 2, NatsPerToken: math.Ln2, NatsPerCharacter: math.Ln2, BitsPerByte: 18. / 20},
		Entropy:    eval.MeanEntropy(rows),
		Distinct2:  10. / 16, // ab ba, and 8 of the second row
		Distinct4:  8. / 12,  // abab baba, and 6
		Repeated4:  4. / 12,
		Novelty:    2. / 4,
		Divergence: got.Divergence,
	}
	for name, pair := range map[string][2]float64{
		"perplexity": {got.Perplexity, want.Perplexity}, "mean": {got.MeanPerplexity, want.MeanPerplexity},
		"nats a token": {got.NatsPerToken, want.NatsPerToken}, "nats a character": {got.NatsPerCharacter, want.NatsPerCharacter},
		"bits a byte": {got.BitsPerByte, want.BitsPerByte},
	} {
		near(t, name, pair[0], pair[1], 1e-12) // rounding
	}
	if got.Score = want.Score; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	spelled := eval.CountGrams([][]int32{[]int32(letters(rows[0])), []int32(letters(rows[1]))}, 3)
	near(t, "divergence of characters", got.Divergence, eval.JensenShannon(spelled, eval.CountGrams([][]int32{[]int32("abacde")}, 3)), 0)
}

// refuses is a judge that fails.
type refuses struct{}

func (refuses) ScoreTexts(context.Context, []string) ([]eval.Likelihood, error) {
	return nil, errors.New("no")
}

func TestMeterTransformer(t *testing.T) {
	rows := [][]int32{{1, 2, 3}}
	meter := eval.NewMeter(even{}, letters, nil, rows[0])
	meter.Transformer = refuses{}
	if _, err := meter.Measure(context.Background(), rows); err == nil || err.Error() != "transformer judge: no" {
		t.Errorf("error %v", err)
	}
}

// One good text again and again has the figures of good text but for the one
// that looks across texts.
func TestMeterSeesModeCollapse(t *testing.T) {
	docs, held := austen(t)
	meter := eval.NewMeter(train(t, docs[:20], 5, ascii), func(row []int32) string { return string(row) }, nil, docs[0])
	rows := cut(held[:6400], 64)
	real, err := meter.Measure(context.Background(), rows)
	if err != nil {
		t.Fatal(err)
	}
	collapsed := make([][]int32, len(rows))
	for i := range collapsed {
		collapsed[i] = rows[3]
	}
	same, err := meter.Measure(context.Background(), collapsed)
	if err != nil {
		t.Fatal(err)
	}
	if same.Perplexity > 1.5*real.Perplexity || same.Repeated4 > 2*real.Repeated4 || math.Abs(same.Entropy-real.Entropy) > 0.4 {
		t.Errorf("a real text has perplexity %.2f, entropy %.2f, rep-4 %.3f, all of them %.2f, %.2f, %.3f: choose another text for this test",
			same.Perplexity, same.Entropy, same.Repeated4, real.Perplexity, real.Entropy, real.Repeated4)
	}
	if same.Distinct2 > 0.2*real.Distinct2 {
		t.Errorf("distinct-2 of one text repeated is %.4f, of different ones %.4f: must be far lower", same.Distinct2, real.Distinct2)
	}
}

func TestSpreadByHand(t *testing.T) {
	a, b, c := eval.Figures{Entropy: 1}, eval.Figures{Entropy: 2}, eval.Figures{Entropy: 6}
	a.Perplexity, b.Perplexity, c.Perplexity = 10, 10, 10
	a.Transformer.BitsPerByte = 3
	mean, deviation := eval.Spread([]eval.Figures{a, b, c})
	near(t, "mean", mean.Entropy, 3, 1e-15) // rounding, here and below
	near(t, "deviation", deviation.Entropy, math.Sqrt((4.+1+9)/2), 1e-15)
	near(t, "mean of equal ones", mean.Perplexity, 10, 1e-15)
	near(t, "deviation of equal ones", deviation.Perplexity, 0, 1e-15)
	near(t, "mean of a nested one", mean.Transformer.BitsPerByte, 1, 1e-15)
	if mean, deviation := eval.Spread([]eval.Figures{a}); mean != a || deviation != (eval.Figures{}) {
		t.Errorf("of one seed: %+v and %+v", mean, deviation)
	}
}
