package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"fsdfm/ops/kernel"
)

// A family is kernels that do the same. A sample belongs to the first whose
// pattern matches its stack: function names a line, the innermost first.
type family struct {
	name    string
	pattern *regexp.Regexp
}

func of(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

var families = []family{
	// Idle threads let others run while they look for work: that is Go's scheduler.
	{"waiting for the other thread", of(`\A[^\n]*kernel\.\(\*(worker|crew)\)|kernel\.\(\*worker\)\.await|runtime\.(mcall|mstart|futex|procyield)`)},
	{"attention", of(`kernel\.(attentionLoops|\(\*(headScratch|gradHead|attentionHead)\)|Attention)`)},
	{"GELU, SiLU", of(`kernel\.(gelu|GELU|silu|SiLU)`)},
	{"products: packing", of(`kernel\.(copyPanels6|packCopy|packTranspose)`)},
	{"products: multiply-adds", of(`kernel\.(\(\*(packing|matmul)\)|[gG]emm)`)},
	{"norm and modulation", of(`kernel\.[lL]ayerNorm`)},
	{"gates, bias gradients", of(`kernel\.(Gated|gate|addRow|ColumnSum|columnSum)`)},
	{"clipping, AdamW, EMA", of(`fsdfm/optim\.|kernel\.(AdamW|adamW|SumSquares|sumSquares)`)},
	{"embedding and loss", of(`kernel\.(Embed|embed|SoftmaxRow|softmaxRow|Weigh|weigh)|fsdfm/loss\.`)},
	{"gorgonia and the rest", of(``)},
}

// writeProfile prints how steps of pretraining divide their CPU time: the small network at
// two vocabularies, and the large one.
func writeProfile(ctx context.Context, w io.Writer) error {
	const lasting = 8 * time.Second
	problems := []struct {
		name string
		problem
	}{
		{"small, V 1024", small(1024, 256, 8)}, {"small, V 8192", small(8192, 256, 8)}, {"large, V 50257", large()},
	}
	rows := [][]string{{"kernels"}}
	for _, f := range families {
		rows = append(rows, []string{f.name})
	}
	for _, p := range problems {
		traces, err := p.profile(ctx, lasting)
		if err != nil {
			return err
		}
		shares, err := familyShares(traces)
		if err != nil {
			return err
		}
		rows[0] = append(rows[0], p.name)
		for i, f := range families {
			rows[i+1] = append(rows[i+1], fmt.Sprintf("%.1f %%", 100*shares[f.name]))
		}
	}
	_, err := fmt.Fprintf(w, "CPU time of a pretraining step, %s, %d threads; small: 6 blocks, D 256, L 256, B 8; large: 12 blocks, D 768, L 1,024, B 1:\n\n%s", kernel.Level(), kernel.Threads(), markdown(rows))
	return err
}

// profile trains for a while and returns the samples as go tool pprof lists
// them.
func (p problem) profile(ctx context.Context, lasting time.Duration) (string, error) {
	o := newOurs(p)
	if err := o.train(0); err != nil { // compiles
		return "", err
	}
	f, err := os.CreateTemp("", "fsdfm-bench-*.pprof")
	if err != nil {
		return "", fmt.Errorf("profile: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return "", fmt.Errorf("profile: %w", err)
	}
	for started := time.Now(); err == nil && time.Since(started) < lasting; {
		if err = ctx.Err(); err == nil {
			err = o.train(o.step * o.batch)
		}
	}
	pprof.StopCPUProfile()
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "tool", "pprof", "-traces", f.Name()).Output()
	if err != nil {
		return "", fmt.Errorf("go tool pprof: %w", err)
	}
	return string(out), nil
}

var sampleTime = regexp.MustCompile(`(?s)\A *(\d[\d.]*(?:ns|us|ms|s|mins|hrs)) +(\S.*)`)

// familyShares divides samples among families. In a listing every sample stands
// below a ruler: its time and innermost function, then the callers.
func familyShares(traces string) (map[string]float64, error) {
	shares, total := make(map[string]float64), 0.0
	for _, sample := range strings.Split(traces, "-----------+")[1:] {
		_, body, _ := strings.Cut(sample, "\n")
		m := sampleTime.FindStringSubmatch(body)
		if m == nil {
			continue // a ruler at the end, or a label
		}
		d, err := time.ParseDuration(strings.NewReplacer("mins", "m", "hrs", "h").Replace(m[1]))
		if err != nil {
			return nil, fmt.Errorf("profile: sample %q: %w", m[0], err)
		}
		var stack []string
		for line := range strings.Lines(m[2]) {
			stack = append(stack, strings.TrimSpace(line))
		}
		shares[familyOf(stack)] += d.Seconds()
		total += d.Seconds()
	}
	if total == 0 {
		return nil, errors.New("profile: no samples")
	}
	for name := range shares {
		shares[name] /= total
	}
	return shares, nil
}

// familyOf is the family of a sample, whose innermost function comes first.
func familyOf(stack []string) string {
	text := strings.Join(stack, "\n")
	i := slices.IndexFunc(families, func(f family) bool { return f.pattern.MatchString(text) })
	return families[i].name // the last matches everything
}
