package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime/pprof"
	"strings"
	"time"

	"fsdfm/ops/kernel"
)

// A family is kernels that do the same. A sample belongs to the first whose
// pattern matches one of its functions.
type family struct {
	name    string
	leaf    bool // only the innermost function counts
	pattern *regexp.Regexp
}

func of(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

var families = []family{
	{"waiting for the other thread", true, of(`kernel\.\(\*(worker|crew)\)|runtime\.(futex|procyield|osyield|usleep)`)},
	{"attention", false, of(`kernel\.(attentionLoops|\(\*(headScratch|gradHead|attentionHead)\)|Attention)`)},
	{"GELU, SiLU", false, of(`kernel\.(gelu|GELU|silu|SiLU)`)},
	{"products: packing", false, of(`kernel\.(copyPanels6|packCopy|packTranspose)`)},
	{"products: multiply-adds", false, of(`kernel\.(\(\*(packing|matmul)\)|[gG]emm)`)},
	{"norm and modulation", false, of(`kernel\.[lL]ayerNorm`)},
	{"gates, rotary, bias gradients", false, of(`kernel\.(Gated|gate|addRow|[rR]ota|ColumnSum|columnSum)`)},
	{"clipping, AdamW, EMA", false, of(`fsdfm/optim\.|kernel\.(AdamW|adamW|SumSquares|sumSquares)`)},
	{"embedding and loss", false, of(`kernel\.(Embed|embed|SoftmaxRow|softmaxRow|Weigh|weigh)|fsdfm/loss\.`)},
	{"gorgonia and the rest", false, of(``)},
}

// writeProfile prints how steps of pretraining at a small and at a large
// vocabulary divide their CPU time.
func writeProfile(w io.Writer) error {
	const lasting = 8 * time.Second
	problems := []problem{small(1024, 256, 8), small(8192, 256, 8)}
	rows := [][]string{{"kernels"}}
	for _, f := range families {
		rows = append(rows, []string{f.name})
	}
	for _, p := range problems {
		traces, err := p.profile(lasting)
		if err != nil {
			return err
		}
		shares, err := familyShares(traces)
		if err != nil {
			return err
		}
		rows[0] = append(rows[0], fmt.Sprintf("V %d", p.config.VocabSize))
		for i, f := range families {
			rows[i+1] = append(rows[i+1], fmt.Sprintf("%.1f %%", 100*shares[f.name]))
		}
	}
	_, err := fmt.Fprintf(w, "CPU time of a pretraining step, %s, %d threads, 6 blocks, D 256, L 256, B 8:\n\n%s", kernel.Level(), kernel.Threads(), markdown(rows))
	return err
}

// profile trains for a while and returns the samples as go tool pprof lists
// them.
func (p problem) profile(lasting time.Duration) (string, error) {
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
		err = o.train(o.step * o.batch)
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

var sampleTime = regexp.MustCompile(`^ *(\d[\d.]*(?:ns|us|ms|s|mins|hrs)) +(\S.*)$`)

// familyShares divides samples among families. In a listing the first line of a
// sample has its time and innermost function, the others its callers.
func familyShares(traces string) (map[string]float64, error) {
	times, total := make(map[string]float64), 0.0
	var spent float64
	var stack []string
	flush := func() {
		if len(stack) > 0 {
			times[familyOf(stack)] += spent
			total += spent
		}
		stack = nil
	}
	started := false
	for lines := bufio.NewScanner(strings.NewReader(traces)); lines.Scan(); {
		text := lines.Text()
		if strings.HasPrefix(text, "-----------+") {
			flush()
			started = true
			continue
		}
		if !started {
			continue
		}
		if m := sampleTime.FindStringSubmatch(text); m != nil && stack == nil {
			d, err := time.ParseDuration(strings.NewReplacer("mins", "m", "hrs", "h").Replace(m[1]))
			if err != nil {
				return nil, fmt.Errorf("profile: line %q: %w", text, err)
			}
			spent, stack = d.Seconds(), []string{m[2]}
		} else if stack != nil {
			stack = append(stack, strings.TrimSpace(text))
		}
	}
	flush()
	if total == 0 {
		return nil, errors.New("profile: no samples")
	}
	for name := range times {
		times[name] /= total
	}
	return times, nil
}

// familyOf is the family of a sample, whose innermost function comes first.
func familyOf(stack []string) string {
	for _, f := range families {
		inside := stack
		if f.leaf {
			inside = stack[:1]
		}
		for _, function := range inside {
			if f.pattern.MatchString(function) {
				return f.name
			}
		}
	}
	return ""
}
