package checkpoints

import (
	"encoding/binary"
	"math"
	"testing"
)

// Every BF16 value survives widening and rounding; a NaN stays a NaN.
func TestBFloat16(t *testing.T) {
	code, back, wide := make([]byte, 2), make([]byte, 2), make([]float32, 1)
	for b := range 1 << 16 {
		binary.LittleEndian.PutUint16(code, uint16(b))
		bfloat16s(wide, code)
		putBFloat16(back, wide)
		got := binary.LittleEndian.Uint16(back)
		if wide[0] != wide[0] {
			bfloat16s(wide, back)
			if wide[0] == wide[0] {
				t.Fatalf("%#x: NaN became %v", b, wide[0])
			}
		} else if got != uint16(b) {
			t.Fatalf("%#x became %#x", b, got)
		}
	}
}

func TestBFloat16Rounds(t *testing.T) {
	for _, c := range []struct{ value, want float32 }{
		{1 + 0x1p-8, 1},                                // half way: down to even
		{1 + 3*0x1p-8, 1 + 0x1p-6},                     // half way: up to even
		{1 + 0x1p-8 + 0x1p-20, 1 + 0x1p-7},             // above half
		{math.MaxFloat32, float32(math.Inf(1))},        // past the largest
		{-math.MaxFloat32, float32(math.Inf(-1))},      //
		{0x1p-149, 0},                                  // below the smallest
		{float32(math.Inf(-1)), float32(math.Inf(-1))}, //
	} {
		code, got := make([]byte, 2), make([]float32, 1)
		putBFloat16(code, []float32{c.value})
		bfloat16s(got, code)
		if got[0] != c.want {
			t.Errorf("%v became %v, expected %v", c.value, got[0], c.want)
		}
	}
	code, got := make([]byte, 2), make([]float32, 1)
	putBFloat16(code, []float32{math.Float32frombits(0x7f800001)}) // NaN by its last bit only
	if bfloat16s(got, code); got[0] == got[0] {
		t.Errorf("a NaN became %v", got[0])
	}
}

// Every finite binary16 value against its definition in float64.
func TestFloat16(t *testing.T) {
	for h := range 1 << 16 {
		sign, exponent, fraction := 1-2*float64(h>>15), h>>10&31, float64(h&1023)
		want := sign * math.Ldexp(1+fraction/1024, exponent-15)
		switch {
		case exponent == 0:
			want = sign * math.Ldexp(fraction/1024, -14)
		case exponent == 31 && fraction == 0:
			want = math.Inf(int(sign))
		case exponent == 31:
			want = math.NaN()
		}
		got := float64(widen(uint16(h)))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != (h>>15 == 1) {
			t.Fatalf("%#x is %v, expected %v", h, got, want)
		}
	}
}
