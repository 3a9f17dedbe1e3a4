package eval_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"fsdfm/eval"
	"fsdfm/flow"
)

// successor predicts with probability 3/4 that the next of four tokens is one
// more than the last, and the others with 1/12 each.
type successor struct{ shapes map[[2]int]bool }

func (s successor) NextLogits(x flow.Tokens) ([]float32, error) {
	s.shapes[[2]int{x.Batch, x.Length}] = true
	z := make([]float32, 4*len(x.IDs))
	for i, w := range x.IDs {
		z[4*i+int(w+1)%4] = float32(math.Log(9))
	}
	return z, nil
}

// abc is a tokenizer of three letters; the fourth token ends a text.
type abc struct{}

func (abc) EndOfText() int32 { return 3 }

func (abc) Encode(text string) (ids []int32, err error) {
	for _, r := range text {
		if r < 'a' || r > 'c' {
			return nil, fmt.Errorf("%q is not known", r)
		}
		ids = append(ids, r-'a')
	}
	return ids, nil
}

func (abc) Decode(ids []int32) string {
	var b strings.Builder
	for _, w := range ids {
		b.WriteString([]string{"a", "b", "c", "\f"}[w])
	}
	return b.String()
}

func judgeABC() (*eval.Transformer, map[[2]int]bool) {
	shapes := map[[2]int]bool{}
	return &eval.Transformer{Network: successor{shapes}, Tokenizer: abc{}, Length: 4, Batch: 2}, shapes
}

func TestTransformerByHand(t *testing.T) {
	j, shapes := judgeABC()
	likely, rare := math.Log(4./3), math.Log(12)
	texts := []string{"abc\fa", "aab", "b", "", "ca"}
	list, err := j.ScoreTexts(context.Background(), texts)
	if err != nil {
		t.Fatal(err)
	}
	want := []eval.Likelihood{
		{NLL: 4 * likely, Tokens: 4, Characters: 4, Bytes: 4}, // two windows: abc\f and \fa
		{NLL: rare + likely, Tokens: 2, Characters: 2, Bytes: 2},
		{}, {},
		{NLL: rare, Tokens: 1, Characters: 1, Bytes: 1},
	}
	for i, got := range list {
		near(t, fmt.Sprintf("text %q", texts[i]), got.NLL, want[i].NLL, 1e-6) // ln 9 is a float32
		if got.NLL = want[i].NLL; got != want[i] {
			t.Errorf("text %q: %+v, want %+v", texts[i], got, want[i])
		}
	}
	if len(shapes) != 1 || !shapes[[2]int{2, 3}] {
		t.Errorf("asked in shapes %v: one compiled shape must do", shapes)
	}
}

func TestTransformerErrors(t *testing.T) {
	j, _ := judgeABC()
	if _, err := j.ScoreTexts(context.Background(), []string{"ab", "ax"}); err == nil || !strings.Contains(err.Error(), "text 2: the judge cannot read it: 'x' is not known") {
		t.Errorf("error %v", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := j.ScoreTexts(ended, []string{"ab"}); err != context.Canceled {
		t.Errorf("error %v, want that of the context", err)
	}
	j.Length = 1
	if _, err := j.ScoreTexts(context.Background(), nil); err == nil {
		t.Error("rows of one token were accepted")
	}
}
