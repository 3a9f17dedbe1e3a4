package eval

import (
	"math"
	"testing"
)

func TestDiscounts(t *testing.T) {
	counts := func(n ...int) []int32 {
		var c []int32
		for k, n := range n {
			for range n {
				c = append(c, int32(k+1))
			}
		}
		return c
	}
	for _, test := range []struct {
		name string
		n    []int // grams that occur once, twice, ..
		want discounts
	}{
		{"equation 26", []int{10, 5, 3, 2, 8}, discounts{0, 0.5, 2 - 3*0.5*0.6, 3 - 4*0.5*2/3}},
		{"none occur twice", []int{10, 0, 3, 2}, fallback},
		{"none occur once", []int{0, 5, 3, 2}, fallback},
		{"negative", []int{10, 5, 1, 50}, fallback},
		{"nothing", nil, fallback},
	} {
		got := newDiscounts(counts(test.n...))
		for k := range got {
			if math.Abs(got[k]-test.want[k]) > 1e-15 { // rounding
				t.Errorf("%s: discounts %v, want %v", test.name, got, test.want)
				break
			}
		}
	}
}
