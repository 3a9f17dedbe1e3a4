package main

import (
	"math"

	"fsdfm/flow"
)

// States are all rows of L tokens of a source, numbered with the first position
// the most significant digit.
type States struct {
	Source flow.Source
	Length int
	rows   flow.Tokens // [R^L, L]
}

// NewStates enumerates them.
func NewStates(source flow.Source, length int) *States {
	n := 1
	for range length {
		n *= source.Rows()
	}
	s := &States{source, length, flow.NewTokens(n, length)}
	for i := range n {
		for j, left := length-1, i; j >= 0; j-- {
			s.rows.Row(i)[j] = int32(left % source.Rows())
			left /= source.Rows()
		}
	}
	return s
}

// number is the place of a row.
func (s *States) number(row []int32) int {
	n := 0
	for _, a := range row {
		n = n*s.Source.Rows() + int(a)
	}
	return n
}

// Joint is the chain's own distribution; a row with a mask has probability 0.
func (s *States) Joint(c Chain) []float64 {
	p := make([]float64, s.rows.Batch)
	for i := range p {
		row := s.rows.Row(i)
		p[i] = 1 / float64(c.Vocab())
		for j, a := range row {
			if !c.has(a) {
				p[i] = 0
			} else if j > 0 && p[i] > 0 {
				p[i] *= c.Next(row[j-1], a)
			}
		}
	}
	return p
}

// Frequencies of the states among rows.
func (s *States) Frequencies(rows [][]int32) []float64 {
	p := make([]float64, s.rows.Batch)
	for _, row := range rows {
		p[s.number(row)] += 1 / float64(len(rows))
	}
	return p
}

// TotalVariation is half the sum of the differences.
func TotalVariation(p, q []float64) float64 {
	sum := 0.0
	for i := range p {
		sum += abs(p[i] - q[i])
	}
	return sum / 2
}

// initial is the source's distribution.
func (s *States) initial() []float64 {
	p := make([]float64, s.rows.Batch)
	mask := s.Source.Mask()
	for i := range p {
		if mask < 0 {
			p[i] = 1 / float64(len(p))
		} else if s.number(s.rows.Row(i)) == len(p)-1 { // all masked: the last digit everywhere
			p[i] = 1
		}
	}
	return p
}

// Run is the exact distribution of what a sampler draws with a budget of steps
// of the euler_cumulative solver: positions move independently given the state,
// so a step is one sum over all pairs of states.
func (s *States) Run(d flow.Denoiser, scheduler flow.Scheduler, steps int) ([]float64, error) {
	grid, p := flow.TimeGrid(steps), s.initial()
	times, sizes := make([]float64, len(p)), make([]float64, len(p))
	for k := range steps {
		for i := range times {
			times[i], sizes[i] = grid[k], grid[k+1]-grid[k]
		}
		logits, err := d.Logits(s.rows, times, sizes)
		if err != nil {
			return nil, err
		}
		move := s.draw
		if k < steps-1 {
			hazard := sizes[0] * flow.Cumulative(scheduler, grid[k], sizes[0])
			move = func(posterior []float64, token int32) { jump(posterior, token, hazard) }
		}
		p = s.step(p, logits, move)
	}
	return p, nil
}

// step moves the distribution p by a kernel that turns each position's
// posterior into the probabilities of its next token.
func (s *States) step(p []float64, logits []float32, move func(posterior []float64, token int32)) []float64 {
	size, next := s.Source.Rows(), make([]float64, len(p))
	kernel := make([]float64, s.Length*size) // [L, R]
	for i, mass := range p {
		if mass == 0 {
			continue
		}
		for j, token := range s.rows.Row(i) {
			at := kernel[j*size : (j+1)*size]
			softmax(at, logits[(i*s.Length+j)*size:])
			move(at, token)
		}
		for k := range next {
			q := mass
			for j, token := range s.rows.Row(k) {
				q *= kernel[j*size+int(token)]
			}
			next[k] += q
		}
	}
	return next
}

// draw is the last step: see flow.FinalDraw.
func (s *States) draw(p []float64, token int32) {
	mask := s.Source.Mask()
	if mask < 0 {
		return
	}
	if token != mask {
		clear(p)
		p[token] = 1
		return
	}
	p[mask] = 0
	normalize(p)
}

// jump is any other: away with probability 1-exp(-hazard*(1-p(token))), to
// another token in proportion to p.
func jump(p []float64, token int32, hazard float64) {
	others := 0.0
	for v := range p {
		if v != int(token) {
			others += p[v]
		}
	}
	away := -math.Expm1(-hazard * others)
	for v := range p {
		if others > 0 {
			p[v] *= away / others
		}
	}
	p[token] = 1 - away
}

// softmax of the first len(dst) logits.
func softmax(dst []float64, logits []float32) {
	top := logits[0]
	for _, l := range logits[:len(dst)] {
		top = max(top, l)
	}
	for v := range dst {
		dst[v] = math.Exp(float64(logits[v] - top))
	}
	normalize(dst)
}
