package ops

import (
	"strings"
	"testing"
)

func TestBF16Errors(t *testing.T) {
	b := NewBuilder(nil)
	x := b.Input("x", make([]float32, 6), 2, 3)
	b.Linear(x, b.ParamBF16("w", make([]BF16, 8), 2, 4), nil)
	if err := b.Err(); err == nil || !strings.Contains(err.Error(), "Linear w") {
		t.Errorf("a matrix of another width: error %v", err)
	}
	b = NewBuilder(nil)
	ids := []int32{7}
	p, err := b.Compile(b.Embed(b.ParamBF16("table", make([]BF16, 14), 7, 2), ids), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Run(); err == nil || !strings.Contains(err.Error(), "token 7") {
		t.Errorf("a token outside the table: error %v", err)
	}
	ids[0] = 6
	if out, err := p.Run(); err != nil || len(out) != 2 {
		t.Errorf("%v, %v for the last token", out, err)
	}
}
