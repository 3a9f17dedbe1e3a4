package watch

import (
	"fmt"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	var out strings.Builder
	r := record("8 steps", []int32{1, 2, 3})
	lines := Lines{&out}
	for k, ids := range [][]int32{{1, 100, 3}, {1, 100, 4}} {
		r.Steps = 12
		r.Frames = append(r.Frames, Frame{T: float64(k+1) / 12, Seconds: float64(k + 1), Changes: []Change{{1, ids[1]}, {2, ids[2]}}})
		if err := lines.Show(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := lines.Finish(r); err != nil {
		t.Fatal(err)
	}
	want := "8 steps, step  1 of 12, t 0.083, 1.000 s: b↵d\n8 steps, step  2 of 12, t 0.167, 2.000 s: b↵e\n\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// emulate is what a terminal shows of an output with the codes that Terminal
// uses; marked cells stand in brackets.
func emulate(t *testing.T, out string) string {
	t.Helper()
	rows, row := []string{""}, 0
	for out != "" {
		if rest, ok := strings.CutPrefix(out, "\x1b["); ok {
			end := strings.IndexAny(rest, "mKJA")
			code := rest[:end+1]
			out = rest[end+1:]
			switch code {
			case "30;42m":
				rows[row] += "["
			case "0m":
				if strings.Contains(rows[row], "[") && !strings.HasSuffix(rows[row], "]") {
					rows[row] += "]"
				}
			case "K", "1m", "2m":
			case "J":
				rows = append(rows[:row], "")
			default:
				var up int
				if _, err := fmt.Sscanf(code, "%dA", &up); err != nil || up > row {
					t.Fatalf("code %q in row %d", code, row)
				}
				row -= up
			}
			continue
		}
		switch out[0] {
		case '\r':
			rows[row] = ""
		case '\n':
			if row++; row == len(rows) {
				rows = append(rows, "")
			}
			rows[row] = ""
		default:
			rows[row] += out[:1]
		}
		out = out[1:]
	}
	return strings.Join(rows, "\n")
}

func TestTerminalDrawsInPlace(t *testing.T) {
	var out strings.Builder
	screen := &Terminal{Out: &out, Width: 40, Height: 20}
	r := record("3 steps", []int32{0, 1, 2, 3}, []int32{0, 100, 2, 4}, []int32{0, 5, 2, 4}, []int32{6, 5, 2, 4})
	frames := r.Frames
	for k, want := range []string{
		"3 steps, step 0 of 3, t 0.000, 0.000 s\nabcd\n",
		"3 steps, step 1 of 3, t 0.333, 1.000 s\na[↵]\nc[e]\n",
		"3 steps, step 2 of 3, t 0.667, 2.000 s\na[f]ce\n",
		"3 steps, step 3 of 3, t 1.000, 3.000 s\n[g]fce\n",
	} {
		r.Frames = frames[:k]
		if err := screen.Show(r); err != nil {
			t.Fatal(err)
		}
		if got := emulate(t, out.String()); got != want {
			t.Errorf("step %d:\n%s\nwant\n%s", k, got, want)
		}
	}
	if err := screen.Finish(r); err != nil {
		t.Fatal(err)
	}
	if got, want := emulate(t, out.String()), "3 steps, step 3 of 3, t 1.000, 3.000 s\ngfce\n\n"; got != want {
		t.Errorf("at the end:\n%s\nwant\n%s", got, want)
	}
}

// No line is wider than the terminal, and what is drawn in place not higher.
func TestTerminalFits(t *testing.T) {
	var out strings.Builder
	screen := &Terminal{Out: &out, Width: 10, Height: 5}
	r := record("a name of many words", make([]int32, 95))
	if err := screen.Show(r); err != nil {
		t.Fatal(err)
	}
	if got, want := emulate(t, out.String()), "a name of…\naaaaaaaaaa\naaaaaaaaaa\n… 8 more lines\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := screen.Finish(r); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(emulate(t, out.String()), "a\n"); got != 10 {
		t.Errorf("%d lines at the end, want all 10", got)
	}
}
