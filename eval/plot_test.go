package eval_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"fsdfm/eval"
)

func TestWriteSVG(t *testing.T) {
	r := eval.Report{Data: eval.Result{Perplexity: 4}, Results: []eval.Result{
		{Model: eval.Student, Solver: "euler_cumulative", Budget: 1, Perplexity: 90}, {Model: eval.Student, Solver: "euler_cumulative", Budget: 8, Perplexity: 20},
		{Model: eval.Teacher, Solver: "euler_cumulative", Budget: 1, Perplexity: 100}, {Model: eval.Teacher, Solver: "euler_cumulative", Budget: 256, Perplexity: 15},
	}}
	var out bytes.Buffer
	if err := eval.WriteSVG(&out, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"student, euler_cumulative", "teacher, euler_cumulative", "held-out text", ">256<"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the picture lacks %q", want)
		}
	}
	for dec := xml.NewDecoder(&out); ; {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v", err)
		}
	}
}
