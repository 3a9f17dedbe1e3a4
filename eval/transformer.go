package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"fsdfm/flow"
)

// NextToken is a causal network: logits [B, L, V] at position i are of the
// token after it and depend on tokens 0 .. i only.
type NextToken interface {
	NextLogits(x flow.Tokens) ([]float32, error)
}

// Tokenizer is what a judge reads text with. The end of a text decodes to what
// separates documents for every tokenizer.
type Tokenizer interface {
	Encode(text string) ([]int32, error)
	Decode(ids []int32) string
	EndOfText() int32
}

// Transformer is an autoregressive judge. It reads text with a tokenizer of its
// own, so it can judge generators of any tokenizer. The first token of a text
// is given, as in its training; it is not scored.
type Transformer struct {
	Network   NextToken
	Tokenizer Tokenizer
	Length    int // tokens a row of its training; longer texts are scored in windows that share one token
	Batch     int // windows at a time
}

var _ TextJudge = (*Transformer)(nil)

// window is up to Length-1 tokens of a text and, shifted by one, those that
// follow each of them.
type window struct {
	text        int
	given, next []int32
}

// ScoreTexts implements TextJudge. If ctx ends, it returns its error before the
// next batch.
func (j *Transformer) ScoreTexts(ctx context.Context, texts []string) ([]Likelihood, error) {
	if j.Length < 2 || j.Batch < 1 {
		return nil, fmt.Errorf("rows of %d tokens in batches of %d: needs at least 2 tokens and 1 row", j.Length, j.Batch)
	}
	list := make([]Likelihood, len(texts))
	var windows []window
	for i, text := range texts {
		ids, err := j.encode(text)
		if err != nil {
			return nil, fmt.Errorf("text %d: %w", i+1, err)
		}
		if len(ids) < 2 {
			continue
		}
		first := j.Tokenizer.Decode(ids[:1])
		list[i] = Likelihood{Tokens: len(ids) - 1, Characters: utf8.RuneCountInString(text) - utf8.RuneCountInString(first), Bytes: len(text) - len(first)}
		for at := 0; at+1 < len(ids); at += j.Length - 1 {
			end := min(at+j.Length, len(ids))
			windows = append(windows, window{i, ids[at : end-1], ids[at+1 : end]})
		}
	}
	x := flow.NewTokens(j.Batch, j.Length-1)
	for ; len(windows) > 0; windows = windows[min(j.Batch, len(windows)):] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := j.batch(list, x, windows[:min(j.Batch, len(windows))]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// batch adds the windows to the likelihoods of their texts. What else is in x
// is ignored: it stands behind the window's tokens or in other rows.
func (j *Transformer) batch(list []Likelihood, x flow.Tokens, windows []window) error {
	clear(x.IDs)
	for i, w := range windows {
		copy(x.Row(i), w.given)
	}
	logits, err := j.Network.NextLogits(x)
	if err != nil {
		return err
	}
	v := len(logits) / len(x.IDs)
	for i, w := range windows {
		nll := 0.0
		for k, next := range w.next {
			at := logits[(i*x.Length+k)*v:][:v]
			nll += logSumExp(at) - float64(at[next])
		}
		if math.IsNaN(nll) {
			return errors.New("the logits are not numbers: the judge's weights have diverged, train it again at a lower rate")
		}
		list[w.text].NLL += nll
	}
	return nil
}

// encode puts the end of text where a document ends.
func (j *Transformer) encode(text string) ([]int32, error) {
	end := []int32{j.Tokenizer.EndOfText()}
	var ids []int32
	for i, doc := range strings.Split(text, j.Tokenizer.Decode(end)) {
		if i > 0 {
			ids = append(ids, end...)
		}
		part, err := j.Tokenizer.Encode(doc)
		if err != nil {
			return nil, fmt.Errorf("the judge cannot read it: %w", err)
		}
		ids = append(ids, part...)
	}
	return ids, nil
}
