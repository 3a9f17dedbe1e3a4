package data

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var sampleInfo = RolloutInfo{
	Grid: 2, Length: 3, Vocab: 5, Steps: 8, Solver: "euler_cumulative", Source: "uniform",
	Scheduler: 1, Spacing: 2, Temperature: 0.9, Seed: 1<<64 - 1, WeightsHash: "abc123",
}

// rollout is trajectory files' content: trajectory id has the token
// (id + k + l) mod V at the time k/G and the position l.
func rollout(info RolloutInfo, from, to int64) (ids []int64, states [][]int32) {
	for id := from; id < to; id++ {
		var s []int32
		for k := range info.Grid + 1 {
			for l := range info.Length {
				s = append(s, int32((int(id)+k+l)%info.Vocab))
			}
		}
		ids, states = append(ids, id), append(states, s)
	}
	return ids, states
}

// makeTrajectories writes the given files of two trajectories each.
func makeTrajectories(t *testing.T, dir string, files ...int) {
	t.Helper()
	for _, index := range files {
		ids, states := rollout(sampleInfo, int64(2*index), int64(2*index+2))
		if err := WriteTrajectories(dir, index, sampleInfo, ids, states); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTrajectoriesRoundTrip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trajectories")
	makeTrajectories(t, dir, 0, 1, 2)
	tr, err := OpenTrajectories(dir, sampleInfo)
	if err != nil {
		t.Fatal(err)
	}
	if tr.Len() != 6 {
		t.Fatalf("%d trajectories", tr.Len())
	}
	_, want := rollout(sampleInfo, 0, 6)
	for i := range tr.Len() {
		if tr.ID(i) != int64(i) {
			t.Errorf("trajectory %d has id %d", i, tr.ID(i))
		}
		for k := range sampleInfo.Grid + 1 {
			if got := tr.State(i, k); !slices.Equal(got, want[i][3*k:3*k+3]) {
				t.Errorf("state %d of trajectory %d is %v, want %v", k, i, got, want[i][3*k:3*k+3])
			}
		}
	}
}

// A stopped rollout goes on where it was, whatever a crash left behind.
func TestTrajectoriesResume(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trajectories")
	missing := func(want ...int) {
		t.Helper()
		got, err := MissingTrajectoryFiles(dir, 5, sampleInfo)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("missing %v (%v), want %v", got, err, want)
		}
	}
	missing(0, 1, 2, 3, 4)
	makeTrajectories(t, dir, 0, 1, 2, 4)
	missing(3)
	if err := os.Remove(filepath.Join(dir, sidecarName(1))); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, trajectoryName(2)), 100); err != nil {
		t.Fatal(err)
	}
	missing(1, 2, 3)
	if _, err := OpenTrajectories(dir, sampleInfo); err == nil || !strings.Contains(err.Error(), "run it to its end") {
		t.Errorf("opened unfinished: %v", err)
	}
	makeTrajectories(t, dir, 1, 2, 3)
	missing()
	if tr, err := OpenTrajectories(dir, sampleInfo); err != nil || tr.Len() != 10 {
		t.Errorf("finished: %v", err)
	}
}

func TestTrajectoriesOtherParameters(t *testing.T) {
	dir := t.TempDir()
	makeTrajectories(t, dir, 0)
	want := sampleInfo
	want.Steps, want.WeightsHash, want.Temperature = 16, "def", 1
	_, opened := OpenTrajectories(dir, want)
	_, missed := MissingTrajectoryFiles(dir, 2, want)
	for _, err := range []error{opened, missed} {
		if err == nil {
			t.Fatal("other parameters passed")
		}
		for _, says := range []string{"steps is 8, not 16", "temperature is 0.9, not 1", "weights_hash is abc123, not def"} {
			if !strings.Contains(err.Error(), says) {
				t.Errorf("error %v, want one with %q", err, says)
			}
		}
		if strings.Contains(err.Error(), "grid") {
			t.Errorf("error %v names what agrees", err)
		}
	}
}

func TestTrajectoriesDamage(t *testing.T) {
	dir := t.TempDir()
	makeTrajectories(t, dir, 0, 1)
	for _, name := range []string{trajectoryName(0), sidecarName(0)} {
		damage(t, filepath.Join(dir, name), func() error {
			_, err := OpenTrajectories(dir, sampleInfo)
			return err
		})
	}
}

func TestTrajectoriesErrors(t *testing.T) {
	ids, states := rollout(sampleInfo, 0, 2)
	tall := sampleInfo
	tall.Grid = 0
	for _, c := range []struct {
		index  int
		info   RolloutInfo
		ids    []int64
		states [][]int32
		says   string
	}{
		{0, tall, ids, states, "must be at least 1"},
		{-1, sampleInfo, ids, states, "file -1"},
		{0, sampleInfo, nil, nil, "at least one"},
		{0, sampleInfo, ids[:1], states, "as many states as ids"},
		{0, sampleInfo, ids, [][]int32{states[0], states[1][1:]}, "trajectory 1 has 8 tokens, expected (grid+1)*length = 9"},
		{0, sampleInfo, ids, [][]int32{states[0], {0, 0, 0, 0, 5, 0, 0, 0, 0}}, "trajectory 1: token 4 is 5"},
	} {
		dir := t.TempDir()
		err := WriteTrajectories(dir, c.index, c.info, c.ids, c.states)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("error %v, want one with %q", err, c.says)
		}
		if left := fileNames(t, dir); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	}
	if _, err := OpenTrajectories(t.TempDir(), sampleInfo); err == nil || !strings.Contains(err.Error(), "run the rollout first") {
		t.Errorf("empty folder: %v", err)
	}
	twice := t.TempDir()
	for index := range 2 {
		if err := WriteTrajectories(twice, index, sampleInfo, ids, states); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OpenTrajectories(twice, sampleInfo); err == nil || !strings.Contains(err.Error(), "id 0 occurs twice") {
		t.Errorf("ids twice: %v", err)
	}
}

// FuzzDecodeTrajectories feeds Arrow bytes that no checksum vouches for.
func FuzzDecodeTrajectories(f *testing.F) {
	ids, states := rollout(sampleInfo, 0, 2)
	l, err := sampleInfo.layout()
	if err != nil {
		f.Fatal(err)
	}
	want := lists{ids: ids, flat: slices.Concat(states...)}
	good, err := l.encode(want)
	if err != nil {
		f.Fatal(err)
	}
	addDamaged(f, good)
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := decodeTrajectories(file, len(ids), sampleInfo)
		if err == nil && bytes.Equal(file, good) && fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%v became %v", want, got)
		}
	})
}

// FuzzParseSidecar: what is accepted is written back the same.
func FuzzParseSidecar(f *testing.F) {
	good, err := encodeJSON(sidecar{trajectoryFormat, fileEntry{Name: trajectoryName(0), Rows: 2, Size: 900}, sampleInfo})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := parseSidecar(good, 0); err != nil {
		f.Fatal(err)
	}
	addDamaged(f, good)
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := parseSidecar(content, 0)
		if err != nil {
			return
		}
		if again, err := encodeJSON(s); err != nil || !bytes.Equal(again, content) {
			t.Fatalf("%s became %s (%v)", content, again, err)
		}
	})
}
