package kernel

// Rotary turns the queries and keys of qkv [B*L, 3*H*headDim] (q | k | v, heads
// contiguous) by their position's angle, and copies v. With half = headDim/2, the pair
// (j, j+half) of a head at position l becomes
//
//	(x_j cos - x_{j+half} sin, x_{j+half} cos + x_j sin), cos = cos[l, j], sin = sin[l, j]
//
// cos and sin are [L, half]. inverse turns back: the gradient. dst may be qkv.
func Rotary(dst, qkv, cos, sin []float32, batch, length, heads, headDim int, inverse bool) {
	width, half := heads*headDim, headDim/2
	if headDim%2 != 0 || len(qkv) != batch*length*3*width || len(dst) != len(qkv) ||
		len(cos) != length*half || len(sin) != len(cos) {
		panic("kernel: Rotary: a slice's length does not match batch, length, heads, headDim")
	}
	parallelRanges(batch*length, sumChunk, func(r0, r1 int) {
		for r := r0; r < r1; r++ {
			to, from := dst[r*3*width:][:3*width], qkv[r*3*width:][:3*width]
			c, s := cos[r%length*half:][:half], sin[r%length*half:][:half]
			for h := range 2 * heads {
				use.rotate(to[h*headDim:][:headDim], from[h*headDim:][:headDim], c, s, inverse)
			}
			copy(to[2*width:], from[2*width:])
		}
	})
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
