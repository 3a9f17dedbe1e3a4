package flow_test

import (
	"strings"
	"testing"

	"fsdfm/flow"
	"fsdfm/flow/flowtest"
)

func TestSources(t *testing.T) {
	for _, name := range []string{"uniform", "mask"} {
		for _, vocab := range []int{1, 2, 50257} {
			s, err := flow.NewSource(name, vocab)
			if err != nil {
				t.Fatal(err)
			}
			flowtest.TestSource(t, s)
		}
	}
}

func TestUniformIsUniform(t *testing.T) {
	x := flow.NewTokens(2, 10000)
	flow.Uniform{Vocab: 7}.Sample(x, flow.Streams(1, "uniform", 0, 2))
	flowtest.Frequencies(t, count(x.IDs, 7), []float64{1, 1, 1, 1, 1, 1, 1})
}

func TestMaskIsAllMask(t *testing.T) {
	s := flow.Mask{Vocab: 7}
	if s.Mask() != 7 || s.Rows() != 8 || (flow.Uniform{Vocab: 7}).Mask() != -1 || (flow.Uniform{Vocab: 7}).Rows() != 7 {
		t.Error("the mask token is the one after the data's, and only the mask source has it")
	}
	x := flow.NewTokens(2, 5)
	s.Sample(x, flow.Streams(1, "mask", 0, 2))
	if got := count(x.IDs, 8); got[7] != 10 {
		t.Errorf("counts %v, want masks only", got)
	}
}

func TestNewSourceErrors(t *testing.T) {
	if _, err := flow.NewSource("noise", 5); err == nil || !strings.Contains(err.Error(), `"noise": must be one of [uniform mask]`) {
		t.Errorf("unknown name: %v", err)
	}
	if _, err := flow.NewSource("mask", 0); err == nil || !strings.Contains(err.Error(), "at least 1") {
		t.Errorf("empty vocabulary: %v", err)
	}
}

func count(ids []int32, vocab int) []int {
	n := make([]int, vocab)
	for _, id := range ids {
		n[id]++
	}
	return n
}
