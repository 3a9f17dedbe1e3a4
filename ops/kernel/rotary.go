package kernel

// Rotary turns the queries and keys of a head by their position's angle. With half =
// headDim/2, the pair (j, j+half) of a head at position l becomes
//
//	(x_j cos - x_{j+half} sin, x_{j+half} cos + x_j sin), cos = Cos[l, j], sin = Sin[l, j]
//
// The zero value turns nothing.
type Rotary struct{ Cos, Sin []float32 } // [L, half]

func (r Rotary) check(length, headDim int) {
	if r.Cos == nil && r.Sin == nil {
		return
	}
	if headDim%2 != 0 || len(r.Cos) != length*headDim/2 || len(r.Sin) != len(r.Cos) {
		panic("kernel: Rotary: a slice's length does not match length, headDim")
	}
}

// turn writes x of position l turned, or turned back, to dst, which may be x.
func (r Rotary) turn(dst, x []float32, l int, inverse bool) {
	if r.Cos == nil {
		copy(dst, x)
		return
	}
	half := len(x) / 2
	use.rotate(dst, x, r.Cos[l*half:][:half], r.Sin[l*half:][:half], inverse)
}

// rotatePlain turns one head.
func rotatePlain(dst, x, cos, sin []float32, inverse bool) {
	half := len(cos)
	for j, c := range cos {
		s := sin[j]
		if inverse {
			s = -s
		}
		a, b := x[j], x[j+half]
		dst[j] = a*c - b*s
		dst[j+half] = b*c + a*s
	}
}
