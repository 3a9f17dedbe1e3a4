package watch

import (
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
