package main

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"fsdfm/ops/kernel"
)

// cores is how many threads the figures are for.
const cores = 2

// gemmFigures are those of the kernels' own benchmark at one number of threads.
type gemmFigures struct {
	peak       float64 // GFLOP/s of multiply-adds on registers
	best, mean float64 // % of it, geometric means over the shapes
}

// gemmShapes are M x N x K of the figure, as BenchmarkGemm names them.
var gemmShapes = []string{
	"2048x256x256_NT", "2048x1024x256_NT", "2048x256x1024_NN", "2048x8192x256_NT",
	"256x256x2048_TN", "256x1024x2048_TN", "1024x768x768_NT", "1024x3072x768_NT",
}

func gemmShare(threads int) func(*bench) (result, error) {
	return func(b *bench) (result, error) {
		g, err := b.gemm(threads, gemmShapes)
		return result{Ours: fmt.Sprintf("best %.0f %%, mean %.0f %% of %.0f GFLOP/s", g.best, g.mean, g.peak), Ratio: g.best}, err
	}
}

// gemm runs BenchmarkGemm with the instructions in use.
func (b *bench) gemm(threads int, shapes []string) (gemmFigures, error) {
	lasting := "300ms"
	if b.quick {
		lasting = "50ms"
	}
	command := exec.CommandContext(b.ctx, b.kernels, "-test.run", "^$", "-test.benchtime", lasting,
		"-test.bench", fmt.Sprintf("^BenchmarkGemm$/^%s$/^threads%d$/^(%s)$", kernel.Level(), threads, strings.Join(shapes, "|")))
	out, err := command.Output()
	if err != nil {
		return gemmFigures{}, fmt.Errorf("kernel benchmark %s: %w", b.kernels, err)
	}
	g, err := parseGemm(out, len(shapes))
	if err != nil {
		return g, fmt.Errorf("kernel benchmark %s: %w", b.kernels, err)
	}
	return g, nil
}

var gemmLine = regexp.MustCompile(`^BenchmarkGemm/\w+/threads`)

// parseGemm reads so many lines of BenchmarkGemm, which give pairs of a value
// and its unit.
func parseGemm(out []byte, shapes int) (gemmFigures, error) {
	g, seen := gemmFigures{}, 0
	logBest, logMean := 0.0, 0.0
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if !gemmLine.MatchString(lines.Text()) {
			continue
		}
		value := make(map[string]float64)
		fields := strings.Fields(lines.Text())
		for i := 2; i+1 < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return g, fmt.Errorf("line %q: %w", lines.Text(), err)
			}
			value[fields[i+1]] = v
		}
		share, best, mean := value["%peak"], value["best-GFLOP/s"], value["mean-GFLOP/s"]
		if share <= 0 || best <= 0 || mean <= 0 {
			return g, fmt.Errorf("line %q gives no %%peak, best-GFLOP/s and mean-GFLOP/s", lines.Text())
		}
		peak := 100 * best / share
		g.peak = max(g.peak, peak)
		logBest, logMean, seen = logBest+math.Log(share), logMean+math.Log(100*mean/peak), seen+1
	}
	if seen != shapes {
		return g, fmt.Errorf("%d of %d shapes measured", seen, shapes)
	}
	g.best, g.mean = math.Exp(logBest/float64(seen)), math.Exp(logMean/float64(seen))
	return g, nil
}
