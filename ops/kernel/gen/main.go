// Command gen writes the assembly of package kernel. Its own module keeps avo away from
// users of the package; run it with `go generate` in the parent folder.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/mmcloughlin/avo/build"
)

// Each group of functions becomes one file.
var groups = map[string]func(){
	"gemm":        gemm,
	"gemm512":     gemm512,
	"peak":        peak,
	"activations": both(func(v vectors) { v.activations(); v.softmax(); v.weigh() }),
	"attention":   attention,
	"adamw":       both(func(v vectors) { v.adamW(); v.sumSquares() }),
	"dropout":     both(vectors.dropout),
	"rows":        func() { both(vectors.rows)(); rows8() },
}

func both(write func(v vectors)) func() {
	return func() { write(ymm); write(zmm) }
}

func main() {
	group := flag.String("group", "", "the group of functions to write")
	flag.Parse()
	write, ok := groups[*group]
	if !ok {
		fmt.Fprintf(os.Stderr, "gen: unknown group %q: see groups in main.go\n", *group)
		os.Exit(2)
	}
	build.ConstraintExpr("amd64,!noasm")
	write()
	build.Generate()
}
