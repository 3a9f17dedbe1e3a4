package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// setting is how a PyTorch process is tuned.
type setting struct {
	threads int
	core    string // OPENBLAS_CORETYPE; "": OpenBLAS looks at the CPU itself
	aten    string // ATEN_CPU_CAPABILITY; "": PyTorch chooses
}

func (s setting) String() string {
	or := func(v string) string {
		if v == "" {
			return "auto"
		}
		return v
	}
	return fmt.Sprintf("%d threads, OpenBLAS core %s, ATen %s", s.threads, or(s.core), or(s.aten))
}

// environment is this process's, with passive waiting (spinning threads of
// libgomp and OpenBLAS fight for the cores), memory that stays mapped, and huge
// pages, which make its first use cheaper.
func (s setting) environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "OPENBLAS_") || strings.HasPrefix(v, "OMP_") || strings.HasPrefix(v, "ATEN_") || strings.HasPrefix(v, "MALLOC_")
	})
	env = append(env, "OMP_WAIT_POLICY=passive", "MALLOC_MMAP_MAX_=0", "MALLOC_TRIM_THRESHOLD_=100000000000",
		"GLIBC_TUNABLES=glibc.malloc.hugetlb=1",
		fmt.Sprintf("OMP_NUM_THREADS=%d", s.threads), fmt.Sprintf("OPENBLAS_NUM_THREADS=%d", s.threads))
	if s.core != "" {
		env = append(env, "OPENBLAS_CORETYPE="+s.core)
	}
	if s.aten != "" {
		env = append(env, "ATEN_CPU_CAPABILITY="+s.aten)
	}
	return env
}

// class is a set of settings of which PyTorch's best counts.
type class struct {
	name     string
	kernels  string // FSDFM_KERNELS of our side
	settings []setting
}

// classes are both sides with what this machine has and, if that includes
// AVX-512, also both with AVX2 alone, as on a processor that has no more.
func classes() []class {
	if !hasAVX512() {
		return []class{{"AVX2", "avx2", []setting{{2, "", ""}, {1, "", ""}}}}
	}
	return []class{
		{"AVX-512", "avx512", []setting{{2, "", ""}, {2, "", "avx512"}, {1, "", ""}, {1, "", "avx512"}}},
		{"AVX2", "avx2", []setting{{2, "Haswell", "avx2"}, {1, "Haswell", "avx2"}}},
	}
}

func hasAVX512() bool {
	text, err := os.ReadFile("/proc/cpuinfo")
	return err == nil && strings.Contains(string(text), "avx512vl")
}

// about is what a PyTorch process says of itself.
type about struct {
	Torch   string   `json:"torch"`
	Threads int      `json:"threads"`
	SIMD    string   `json:"simd"`
	BLAS    []string `json:"blas"`
}

// tuned says whether PyTorch multiplies with a BLAS made for speed: Debian also has the
// reference one, which is tens of times slower. Builds with MKL inside name none.
func (a about) tuned() bool {
	for _, path := range a.BLAS {
		if name := filepath.Base(path); strings.HasPrefix(name, "libopenblas") || strings.HasPrefix(name, "libmkl") || strings.HasPrefix(name, "libblis") {
			return true
		}
	}
	return len(a.BLAS) == 0
}

// pytorch is a running reference.py.
type pytorch struct {
	setting setting
	command *exec.Cmd
	in      *json.Encoder
	out     *bufio.Scanner
	close   func() error
}

// request is one line to reference.py, answer its answer.
type request map[string]any

var versions = request{"op": "versions"} // opens a process without a network

type answer struct {
	about
	Seconds float64   `json:"seconds"`
	Losses  []float64 `json:"losses"`
	Norms   []float64 `json:"norms"`
}

// start runs reference.py; its errors go to stderr.
func (b *bench) start(s setting) (*pytorch, error) {
	command := exec.CommandContext(b.ctx, b.python, b.reference)
	command.Env, command.Stderr = s.environment(), os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", b.python, err)
	}
	return &pytorch{setting: s, command: command, in: json.NewEncoder(in), out: bufio.NewScanner(out), close: in.Close}, nil
}

func (p *pytorch) ask(r request) (answer, error) {
	var a answer
	if err := p.in.Encode(r); err != nil {
		return a, fmt.Errorf("asking PyTorch: %w", err)
	}
	if !p.out.Scan() {
		return a, fmt.Errorf("PyTorch (%v) ended at %v: its own message stands above", p.setting, r["op"])
	}
	if err := json.Unmarshal(p.out.Bytes(), &a); err != nil {
		return a, fmt.Errorf("answer of PyTorch to %v: %w", r["op"], err)
	}
	return a, nil
}

// stop ends the process and waits, so that its memory is free.
func (p *pytorch) stop() {
	p.close()
	p.command.Wait()
}
