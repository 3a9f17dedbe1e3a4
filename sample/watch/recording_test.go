package watch

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// letter spells tokens a, b, ..; those from 200 are single bytes of what
// follows a token of theirs.
func letter(id int32) string {
	switch {
	case id >= 200:
		return "é🙂"[id-200 : id-199]
	case id == 100:
		return "\n"
	}
	return string('a' + id)
}

// record makes a recording of states, a step a second, of which showing takes
// ten more.
func record(name string, states ...[]int32) *Recording {
	now := time.Unix(0, 0)
	r := Record(&Recording{Name: name, Steps: len(states) - 1, Piece: letter, Given: make([]bool, len(states[0]))})
	r.clock = func() time.Time { return now }
	r.Show = func() { now = now.Add(10 * time.Second) }
	for k, x := range states {
		r.Observe(k, float64(k)/float64(len(states)-1), x)
		now = now.Add(time.Second)
	}
	return r.Recording
}

func TestRecorderKeepsChangesAndTheClock(t *testing.T) {
	states := [][]int32{{1, 2, 3}, {1, 4, 3}, {1, 4, 3}, {5, 2, 6}}
	r := record("x", states...)
	want := []Frame{
		{T: 1. / 3, Seconds: 1, Changes: []Change{{1, 4}}},
		{T: 2. / 3, Seconds: 2},
		{T: 1, Seconds: 3, Changes: []Change{{0, 5}, {1, 2}, {2, 6}}},
	}
	if !reflect.DeepEqual(r.Frames, want) {
		t.Errorf("frames %+v, want %+v", r.Frames, want)
	}
	for k, state := range states {
		ids, changed := r.Tokens(k)
		if !slices.Equal(ids, state) {
			t.Errorf("tokens after %d steps: %v, want %v", k, ids, state)
		}
		for i := range ids {
			if want := k > 0 && state[i] != states[k-1][i]; changed[i] != want {
				t.Errorf("step %d changed position %d: %v, want %v", k, i, changed[i], want)
			}
		}
	}
}

// Bytes of a character that is spread over tokens stand with the last of them,
// whatever stands between; nothing is lost.
func TestCellsJoinCharacters(t *testing.T) {
	for _, test := range []struct {
		ids  []int32
		want []string
	}{
		{[]int32{200, 201, 1}, []string{"", "é", "b"}},
		{[]int32{202, 203, 204, 205}, []string{"", "", "", "🙂"}},
		{[]int32{201, 1}, []string{"�", "b"}},
		{[]int32{200, 1}, []string{"", "�b"}},
		{[]int32{1, 202, 203}, []string{"b", "", "��"}},
		{[]int32{202, 200, 201}, []string{"", "�", "é"}},
	} {
		var got []string
		for _, c := range record("x", test.ids).Cells(0) {
			got = append(got, c.Text)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%v: %q, want %q", test.ids, got, test.want)
		}
	}
}

func FuzzCells(f *testing.F) {
	f.Add("aé🙂\xff\xc3\xf0\x9f\n")
	f.Fuzz(func(t *testing.T, s string) {
		ids := make([]int32, len(s))
		for i := range ids {
			ids[i] = int32(s[i])
		}
		r := &Recording{Start: ids, Given: make([]bool, len(ids)), Piece: func(id int32) string { return string([]byte{byte(id)}) }}
		var text strings.Builder
		for _, c := range r.Cells(0) {
			text.WriteString(c.Text)
		}
		if want := string([]rune(s)); text.String() != want {
			t.Errorf("%q, want %q", text.String(), want)
		}
	})
}

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
