package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// write prints the machine, the table of figures and the settings behind it.
func (b *bench) write(w io.Writer) error {
	var s strings.Builder
	fmt.Fprintf(&s, "Machine: %s, %d cores. %s.", cpu(), runtime.NumCPU(), runtime.Version())
	if b.about.Torch != "" {
		fmt.Fprintf(&s, " PyTorch %s, BLAS %s.", b.about.Torch, names(b.about.BLAS))
	}
	if b.quiet.disturbed > 0 {
		fmt.Fprintf(&s, " Other programs took part of the cores in %d turns: repeat this when the machine is quiet.", b.quiet.disturbed)
	}
	fmt.Fprintf(&s, "\n\n%s", b.table())
	if t := b.settings(); t != "" {
		fmt.Fprintf(&s, "\n%s", t)
	}
	_, err := io.WriteString(w, s.String())
	return err
}

// table has columns for both sides and their ratio in each class.
func (b *bench) table() string {
	header := []string{"figure"}
	for _, c := range classes() {
		header = append(header, "fsdfm, "+c.name, "PyTorch, "+c.name, "ratio")
	}
	rows := [][]string{append(header, "goal", "must", "reached")}
	for _, l := range b.lines {
		rows = append(rows, l.row())
	}
	return markdown(rows)
}

// row is the line of the table.
func (l line) row() []string {
	row := []string{l.name}
	for i := range classes() {
		if i < len(l.results) {
			r := l.results[i]
			row = append(row, r.Ours, r.Theirs, l.format(r.Ratio))
		} else {
			row = append(row, "", "", "")
		}
	}
	return append(row, l.format(l.goal), l.format(l.must), l.reached())
}

func (l line) format(ratio float64) string {
	switch {
	case l.unit == "%":
		return fmt.Sprintf("%.0f %%", ratio)
	case ratio >= 100:
		return fmt.Sprintf("%.0fx", ratio)
	}
	return fmt.Sprintf("%.2fx", ratio)
}

// reached says which mark the ratio reaches in each class.
func (l line) reached() string {
	var marks []string
	for _, r := range l.results {
		switch {
		case r.Ratio >= l.goal:
			marks = append(marks, "goal")
		case r.Ratio >= l.must:
			marks = append(marks, "must")
		default:
			marks = append(marks, "no")
		}
	}
	return strings.Join(marks, ", ")
}

// settings says which setting was PyTorch's best and how far apart the sides'
// losses and gradient norms were.
func (b *bench) settings() string {
	rows := [][]string{{"figure", "class", "best setting", "repeats", "ratio of the fastest", "largest relative difference"}}
	for _, l := range b.lines {
		for i, r := range l.results {
			if r.Theirs != "" {
				rows = append(rows, []string{l.name, classes()[i].name, r.Setting, fmt.Sprint(r.Repeats), l.format(r.Fastest), r.Agreement})
			}
		}
	}
	if len(rows) == 1 {
		return ""
	}
	return markdown(rows)
}

// markdown is a table whose first row is the header.
func markdown(rows [][]string) string {
	var s strings.Builder
	for i, row := range rows {
		s.WriteString(markdownRow(row))
		if i == 0 {
			s.WriteString(strings.Repeat("|---", len(row)) + "|\n")
		}
	}
	return s.String()
}

func markdownRow(cells []string) string {
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// names are the base names of the BLAS libraries, or of OpenBLAS alone if it is
// among them: the others then only point to it.
func names(paths []string) string {
	var all []string
	for _, p := range paths {
		if strings.HasPrefix(filepath.Base(p), "libopenblas") {
			return filepath.Base(p)
		}
		all = append(all, filepath.Base(p))
	}
	return strings.Join(all, ", ")
}

// cpu is the processor's name as Linux gives it.
func cpu() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.Trim(name, "\t :\n")
		}
	}
	return runtime.GOARCH
}
