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
	r := paper()
	r.Seeds = 2
	var out bytes.Buffer
	if err := eval.WriteSVG(&out, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"student, euler_cumulative", "teacher, euler", "held-out text", ">1024<"} {
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
