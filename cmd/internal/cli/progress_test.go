package cli

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Away from a terminal, a line appears once in a while and notes at once.
func TestProgressLines(t *testing.T) {
	var out bytes.Buffer
	p := &Progress{out: &out, every: 0}
	p.Start("pretrain", 40)
	p.Step(10, 40, 2.5, 1234.4)
	p.Note("step %d: saved", 10)
	p.Set(20)
	p.Finish()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{
		`^pretrain 10/40, loss 2\.5000, 1234 tokens/s, \d+s left$`,
		`^step 10: saved$`,
		`^pretrain 20/40, \d+s left$`,
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(want), &out)
	}
	for i := range want {
		if !regexp.MustCompile(want[i]).MatchString(lines[i]) {
			t.Errorf("line %q, want %s", lines[i], want[i])
		}
	}
}

func TestProgressIsRare(t *testing.T) {
	var out bytes.Buffer
	p := &Progress{out: &out, every: time.Hour}
	p.Start("rollout", 1000)
	for i := range 1000 {
		p.Set(i)
	}
	p.Finish()
	if out.Len() > 0 {
		t.Errorf("wrote %q within the hour", &out)
	}
}

// A bar and notes on a terminal share its last line: a note clears it first.
func TestProgressBar(t *testing.T) {
	var out bytes.Buffer
	p := &Progress{out: &out, terminal: true}
	p.Note("before")
	if got := out.String(); got != "before\n" {
		t.Errorf("without a bar a note is %q", got)
	}
	p.Start("distill", 8)
	p.Step(8, 8, 1, 1)
	p.Note("held-out loss 1")
	p.Finish()
	p.Finish() // nothing is left to end
	text := out.String()
	for _, want := range []string{"distill", "8 / 8", "loss 1.0000", "\r\x1b[Kheld-out loss 1\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing from %q", want, text)
		}
	}
}

// Passes over files are counted in megabytes, each from the beginning.
func TestProgressPass(t *testing.T) {
	var out bytes.Buffer
	p := &Progress{out: &out, every: 0}
	p.Pass("survey", 500_000, 2_500_000, 0)
	p.Pass("survey", 2_500_000, 2_500_000, 0)
	p.Pass("tokenize", 1_000_000, 2_500_000, 400_000)
	want := `^survey, MB 1/3, \d+s left
survey, MB 3/3, 0s left
tokenize, MB 1/3, \d+ tokens/s, \d+s left
$`
	if !regexp.MustCompile(want).MatchString(out.String()) {
		t.Errorf("wrote\n%s, want %s", &out, want)
	}
}
