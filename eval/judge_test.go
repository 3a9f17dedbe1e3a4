package eval_test

import (
	"math"
	"testing"

	"fsdfm/eval"
)

// fixed judges stored rows by stored logits [L, V]: those at a position are of
// the next token, so the first is not scored.
type fixed struct {
	rows   [][]int32
	logits []float32 // [rows, L, V]
	vocab  int
}

func (f fixed) Score(tokens []int32) (nll float64, n int) {
	for i, row := range f.rows {
		if &row[0] != &tokens[0] {
			continue
		}
		for j, next := range row[1:] {
			at := f.logits[(i*len(row)+j)*f.vocab:][:f.vocab]
			sum := 0.0
			for _, l := range at {
				sum += math.Exp(float64(l))
			}
			nll += math.Log(sum) - float64(at[next])
		}
	}
	return nll, len(tokens) - 1
}

// cut returns rows of a [B, L] tensor.
func cut(x []int32, length int) [][]int32 {
	var rows [][]int32
	for ; len(x) > 0; x = x[length:] {
		rows = append(rows, x[:length])
	}
	return rows
}

func TestPerplexityGolden(t *testing.T) {
	g := readGolden(t, "eval_metrics")
	rows := cut(g.ids("in/samples"), 20)
	judge := fixed{rows, g.floats("in/judge_logits"), 6}
	const tol = 1e-6 // fp32 rounding of the reference
	pooled, mean := eval.Perplexity(judge, rows)
	near(t, "mean of 4 rows", mean, 15.061666488647461, tol)
	_, two := eval.Perplexity(judge, rows[:2])
	near(t, "mean of 2 rows", two, 15.082763671875, tol)
	logs := 0.0
	for i := range rows {
		p, _ := eval.Perplexity(judge, rows[i:i+1])
		logs += math.Log(p)
	}
	near(t, "pooled, the rows being equally long", pooled, math.Exp(logs/4), 1e-12) // rounding
}

// even is certain to 1 in 2 of every token, and scores all of them.
type even struct{}

func (even) Score(tokens []int32) (float64, int) {
	return float64(len(tokens)) * math.Ln2, len(tokens)
}

func TestScoreByHand(t *testing.T) {
	s := eval.NewScore([]eval.Likelihood{
		{NLL: 6 * math.Ln2, Tokens: 2, Characters: 3, Bytes: 4}, // perplexity 8
		{NLL: 1 * math.Ln2, Tokens: 1, Characters: 1, Bytes: 1}, // perplexity 2
		{Characters: 9, Bytes: 9},                               // nothing was scored
	})
	near(t, "pooled perplexity", s.Perplexity, math.Pow(2, 7./3), 1e-12) // rounding, here and below
	near(t, "mean perplexity", s.MeanPerplexity, 5, 1e-12)
	near(t, "nats a token", s.NatsPerToken, 7./3*math.Ln2, 1e-12)
	near(t, "nats a character", s.NatsPerCharacter, 7./4*math.Ln2, 1e-12)
	near(t, "bits a byte", s.BitsPerByte, 7./5, 1e-12)
	if s := eval.NewScore(nil); !math.IsNaN(s.Perplexity) || !math.IsNaN(s.MeanPerplexity) {
		t.Errorf("without rows: %+v, want NaN", s)
	}
}

func TestBitsPerByte(t *testing.T) {
	near(t, "8 bits in 4 bytes", eval.BitsPerByte(8*math.Ln2, 4), 2, 1e-15) // rounding
}
