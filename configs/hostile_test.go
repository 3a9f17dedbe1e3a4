package configs

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// bomb is the billion laughs: ten levels, each ten times the one before.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := range 9 {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 10), ","))
	}
	return b.String()
}

func hostile() map[string]string {
	const million = 1_000_000
	aliases := "model: &m {a: 1}\n"
	for range 2000 {
		aliases += "flow: *m\ndistill: *m\n"
	}
	return map[string]string{
		"alias bomb":            bomb() + "data: {files: *a9}\nevaluate: {steps: *a9}\nrun: *a9\npretrain: *a9\n",
		"anchor inside itself":  "pretrain: &a\n  optim: *a\n",
		"list inside itself":    "evaluate: {steps: &a [*a]}\n",
		"one alias many times":  aliases,
		"flow lists":            strings.Repeat("[", million),
		"flow maps":             strings.Repeat("{", million),
		"maps in lists":         strings.Repeat("[{a: ", million/5),
		"nested keys":           strings.Repeat("pretrain: {", million/11),
		"block lists":           strings.Repeat("- ", million/2),
		"complex keys":          strings.Repeat("? ", million/2),
		"unknown keys":          strings.Repeat("abcdefgh_ijklmnop: 1\n", million/21),
		"unknown different":     numbered("pretrain_btach_%d: 1\n", 20000),
		"long key":              strings.Repeat("k", million) + ": 1\n",
		"long text for a list":  "evaluate: {steps: " + strings.Repeat("x", million) + "}\n",
		"documents":             strings.Repeat("---\n", million/4),
		"nul bytes":             strings.Repeat("\x00", 1000),
		"bad UTF-8":             "run: \xff\xfe\n",
		"UTF-16":                "\xff\xfer\x00u\x00n\x00:\x00 \x00\x00\xd8\n\x00",
		"tags":                  "seed: !!binary AAAA\nrun: !!set {a}\nthreads: !x 3\nflow: !!float 3\n",
		"directive":             "%YAML 9.9\n---\nseed: 1\n",
		"too large":             "run: a\n" + strings.Repeat("# a comment\n", maxFileSize/12),
		"list of many booleans": "evaluate: {steps: [" + strings.Repeat("true,", 50000) + "]}\n",
	}
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestHostileFiles(t *testing.T) {
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			path := write(t, text)
			_, err := Load(path, nil, nil)
			if err == nil {
				t.Fatal("accepted")
			}
			got := err.Error()
			if lines := strings.Count(got, "\n") + 1; lines > maxProblems+1 || len(got) > 100*1000 {
				t.Errorf("%d lines, %d bytes of error", lines, len(got))
			}
			for line := range strings.Lines(got) {
				if !strings.HasPrefix(line, path+":") || strings.ContainsAny(line, "\x00\x1b") {
					t.Errorf("unlocated or unprintable: %.200q", line)
				}
			}
		})
	}
}

func TestNotAFile(t *testing.T) {
	if _, err := Load(t.TempDir(), nil, nil); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a folder as run file: %v", err)
	}
}

// An alias that stands for one plain section is just that section.
func TestAliasRead(t *testing.T) {
	c, err := Load(write(t, "pretrain: {optim: &o {lr: 0.5}}\ndistill: {optim: *o}\n"), nil, nil)
	if err != nil || c.Distill.Optim.LR != 0.5 {
		t.Errorf("distill.optim.lr is %v (%v), want 0.5", c.Distill.Optim.LR, err)
	}
}

// No bytes make the reading panic, and what is read survives being written.
func FuzzFile(f *testing.F) {
	for _, name := range shipped(f) {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range hostile() {
		if len(text) < 1000 {
			f.Add([]byte(text))
		}
	}
	all, err := Default().Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(all)
	f.Add([]byte("run: !!str 3\nseed: 0x10\nthreads: +1_0\ndata: {files: [a, 'b', \"\\t\", &x c, *x]}\nflow: {scheduler: 1e-3}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		read := parseFile("x.yaml", data)
		for _, p := range read.problems {
			if strings.ContainsAny(p.Error(), "\n\x00\x1b") {
				t.Errorf("not one printable line: %q", p)
			}
		}
		if len(read.problems) > 0 {
			return
		}
		want, err := resolve([]file{read}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = want.Validate()
		text, err := want.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back := parseFile("y.yaml", text)
		got, err := resolve([]file{back}, nil, nil)
		if err != nil || len(back.problems) > 0 || !reflect.DeepEqual(got, want) {
			t.Fatalf("changed on the way through\n%s%v %v: %v", text, back.problems, err, Changed(got, want))
		}
	})
}
