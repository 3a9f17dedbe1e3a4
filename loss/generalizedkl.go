package loss

// GeneralizedKL is the negative evidence bound of a discrete flow (Shaul et al.
// 2024, eq. 34): -Rate*[p(x_t) - d + (1-d) ln p(x_1)], d = [x_t = x_1], with
// Rate = kappa'(t)/(1-kappa(t)) of the row.
type GeneralizedKL struct{ Rate float64 }

// Position implements Loss.
func (g GeneralizedKL) Position(dz []float32, at *Position, weight float64) float64 {
	stay := float64(at.P[at.XT])
	move, delta, logP1 := 1.0, 0.0, 0.0
	if at.XT == at.X1 {
		move, delta = 0, 1
	} else {
		logP1 = at.logP(at.X1)
	}
	// d p(x_t)/dz = p(x_t)([x_t] - p);  d ln p(x_1)/dz = [x_1] - p
	w := -g.Rate * weight
	axpy(dz, -w*(stay+move), at.P)
	bump(dz, at.XT, w*stay)
	bump(dz, at.X1, w*move)
	return -g.Rate * (stay - delta + move*logP1)
}
