package flow

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// Rand is one row's stream of uniforms in [0, 1); *rand.Rand satisfies it.
type Rand interface {
	Float64() float64
}

var _ Rand = (*rand.Rand)(nil)

// Streams returns n independent streams. Stream i depends on seed, purpose and
// first+i only, so a row numbered by its place in the data draws the same
// values whatever batch it stands in.
func Streams(seed uint64, purpose string, first int64, n int) []Rand {
	name := binary.LittleEndian.AppendUint64(nil, seed)
	name = append(name, make([]byte, 8)...)
	name = append(name, purpose...)
	streams := make([]Rand, n)
	for i := range streams {
		binary.LittleEndian.PutUint64(name[8:], uint64(first)+uint64(i))
		sum := sha256.Sum256(name)
		streams[i] = rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])))
	}
	return streams
}
