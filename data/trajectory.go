package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"fsdfm/checkpoints"
)

// Rolled-out trajectories stand in pairs of files:
//
//	trajectories-00000.arrow  an uncompressed Arrow IPC file
//	trajectories-00000.json   its sidecar: rows, size, SHA-256, RolloutInfo
//
// Columns, nullable but without nulls: `id` int64, and `states`
// FixedSizeList<int32>[(G+1)*L], the tokens after k/G of the steps for k = 0..G, time
// first. The file's metadata has one key, `fsdfm`: the RolloutInfo as JSON. The
// sidecar is written last: a file without a matching one counts as not written.
const trajectoryFormat = "fsdfm-trajectories-1"

// RolloutInfo is what decides a rolled-out trajectory, and so whether a file
// can still be used.
type RolloutInfo struct {
	Grid        int     `json:"grid"`              // G: states are kept after k/G of the steps
	Length      int     `json:"length"`            // L
	Vocab       int     `json:"vocab"`             // ids lie in [0, vocab): with a mask token it counts too
	Steps       int     `json:"steps"`             // model evaluations of one trajectory
	Solver      string  `json:"solver"`            // by its name in flow
	Source      string  `json:"source"`            // uniform | mask
	Scheduler   float64 `json:"scheduler"`         // exponent n of kappa(t) = t^n
	Spacing     float64 `json:"spacing,omitempty"` // of the times of the steps; 0: even
	Temperature float64 `json:"temperature"`       // of the posterior
	Candidates  int     `json:"candidates"`        // jumps tried at every step
	Rarity      float64 `json:"rarity,omitempty"`  // what rare tokens counted for in the choice among them
	Seed        uint64  `json:"seed"`              // of source and jumps
	WeightsHash string  `json:"weights_hash"`      // of the teacher's weights
}

// width is the number of tokens of one trajectory.
func (i RolloutInfo) width() int { return (i.Grid + 1) * i.Length }

// validate keeps width positive and small enough for an Arrow list.
func (i RolloutInfo) validate() error {
	const most = 1 << 20
	if i.Grid < 1 || i.Grid > most || i.Length < 1 || i.Length > most || i.width() > 1<<30 || i.Vocab < 1 {
		return fmt.Errorf("grid %d, length %d and vocab %d must be at least 1 and (grid+1)*length at most 2^30", i.Grid, i.Length, i.Vocab)
	}
	return nil
}

// layout is the schema of a trajectory file.
func (i RolloutInfo) layout() (layout, error) {
	about, err := json.Marshal(i)
	return layout{column: "states", width: i.width(), withIDs: true, about: string(about)}, err
}

// differences names every parameter in which i is not what is wanted.
func (i RolloutInfo) differences(want RolloutInfo) error {
	var found []string
	have, asked := reflect.ValueOf(i), reflect.ValueOf(want)
	for f := range have.NumField() {
		if a, b := have.Field(f).Interface(), asked.Field(f).Interface(); a != b {
			found = append(found, fmt.Sprintf("%s is %v, not %v", have.Type().Field(f).Tag.Get("json"), a, b))
		}
	}
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("made with other parameters (%s): remove the folder to roll out again, or restore the settings", strings.Join(found, "; "))
}

// sidecar is the content of trajectories-NNNNN.json.
type sidecar struct {
	Format string      `json:"format"`
	File   fileEntry   `json:"file"`
	Info   RolloutInfo `json:"info"`
}

func trajectoryName(index int) string { return fmt.Sprintf("trajectories-%05d.arrow", index) }
func sidecarName(index int) string    { return fmt.Sprintf("trajectories-%05d.json", index) }

// WriteTrajectories writes file number index to dir: ids [n], each unique in
// the folder, and states [n][(G+1)*L]. Each file appears complete or not at all.
func WriteTrajectories(dir string, index int, info RolloutInfo, ids []int64, states [][]int32) error {
	if err := writeTrajectories(dir, index, info, ids, states); err != nil {
		return fmt.Errorf("write trajectories %d to %s: %w", index, dir, err)
	}
	return nil
}

func writeTrajectories(dir string, index int, info RolloutInfo, ids []int64, states [][]int32) error {
	flat, err := flatten(index, info, ids, states)
	if err != nil {
		return err
	}
	l, err := info.layout()
	if err != nil {
		return err
	}
	content, err := l.encode(lists{ids: ids, flat: flat})
	if err != nil {
		return err
	}
	side, err := encodeJSON(sidecar{trajectoryFormat, entryOf(trajectoryName(index), len(ids), content), info})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := checkpoints.WriteFileAtomic(filepath.Join(dir, trajectoryName(index)), content); err != nil {
		return err
	}
	return checkpoints.WriteFileAtomic(filepath.Join(dir, sidecarName(index)), side)
}

// flatten checks what is to be written and returns the states in one slice.
func flatten(index int, info RolloutInfo, ids []int64, states [][]int32) ([]int32, error) {
	if err := info.validate(); err != nil {
		return nil, err
	}
	if index < 0 || len(ids) == 0 || len(ids) != len(states) {
		return nil, fmt.Errorf("file %d with %d ids and %d states: need as many states as ids, at least one", index, len(ids), len(states))
	}
	flat := make([]int32, 0, len(ids)*info.width())
	for i, s := range states {
		if len(s) != info.width() {
			return nil, fmt.Errorf("trajectory %d has %d tokens, expected (grid+1)*length = %d", i, len(s), info.width())
		}
		if err := checkIDs(s, info.Vocab); err != nil {
			return nil, fmt.Errorf("trajectory %d: %w", i, err)
		}
		flat = append(flat, s...)
	}
	return flat, nil
}

// readSidecar reads the sidecar of one file and checks it by itself.
func readSidecar(dir string, index int) (sidecar, error) {
	content, err := os.ReadFile(filepath.Join(dir, sidecarName(index)))
	if err != nil {
		return sidecar{}, err
	}
	s, err := parseSidecar(content, index)
	if err != nil {
		return s, fmt.Errorf("%s: %w", sidecarName(index), err)
	}
	return s, nil
}

func parseSidecar(content []byte, index int) (sidecar, error) {
	s, err := decodeJSON[sidecar](content)
	switch {
	case err != nil:
		return s, err
	case s.Format != trajectoryFormat:
		return s, fmt.Errorf("format is %q, this program reads %q", s.Format, trajectoryFormat)
	case s.File.Name != trajectoryName(index):
		return s, fmt.Errorf("describes %q, expected %s", s.File.Name, trajectoryName(index))
	}
	if err := s.Info.validate(); err != nil {
		return s, err
	}
	if s.File.Rows < 1 || int64(s.File.Rows) > s.File.Size/4/int64(s.Info.width()) {
		return s, fmt.Errorf("%d trajectories of %d tokens do not fit in %d bytes", s.File.Rows, s.Info.width(), s.File.Size)
	}
	return s, nil
}

// Trajectories are rolled-out trajectories in memory.
type Trajectories struct {
	info  RolloutInfo
	lists // ids [n]; flat [n, G+1, L]
}

// OpenTrajectories reads the files 0, 1, ... of dir; all must be whole and made
// with the parameters want.
func OpenTrajectories(dir string, want RolloutInfo) (*Trajectories, error) {
	t, err := openTrajectories(dir, want)
	if err != nil {
		return nil, fmt.Errorf("open trajectories %s: %w", dir, err)
	}
	return t, nil
}

func openTrajectories(dir string, want RolloutInfo) (*Trajectories, error) {
	files, err := countTrajectoryFiles(dir)
	if err != nil {
		return nil, err
	}
	t := &Trajectories{info: want}
	seen := map[int64]bool{}
	for index := range files {
		part, err := readTrajectories(dir, index, want)
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%w: the rollout was stopped, run it to its end", err)
		} else if err != nil {
			return nil, err
		}
		for _, id := range part.ids {
			if seen[id] {
				return nil, fmt.Errorf("%s: id %d occurs twice in the folder", trajectoryName(index), id)
			}
			seen[id] = true
		}
		t.ids = append(t.ids, part.ids...)
		t.flat = append(t.flat, part.flat...)
	}
	return t, nil
}

// countTrajectoryFiles is one more than the highest file number in dir.
func countTrajectoryFiles(dir string) (int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	files := 0
	for _, entry := range entries {
		var index int
		name := entry.Name()
		if n, _ := fmt.Sscanf(name, "trajectories-%d", &index); n == 1 && index >= 0 && (name == trajectoryName(index) || name == sidecarName(index)) {
			files = max(files, index+1)
		}
	}
	if files == 0 {
		return 0, errors.New("no trajectories there: run the rollout first")
	}
	return files, nil
}

// readTrajectories reads one file, checked against its sidecar and want.
func readTrajectories(dir string, index int, want RolloutInfo) (lists, error) {
	side, err := readSidecar(dir, index)
	if err != nil {
		return lists{}, err
	}
	if err := side.Info.differences(want); err != nil {
		return lists{}, err
	}
	content, err := side.File.read(dir)
	if err != nil {
		return lists{}, err
	}
	part, err := decodeTrajectories(content, side.File.Rows, want)
	if err != nil {
		return lists{}, fmt.Errorf("%s: %w", side.File.Name, err)
	}
	return part, nil
}

// decodeTrajectories reads an Arrow file that must hold n trajectories.
func decodeTrajectories(content []byte, n int, info RolloutInfo) (lists, error) {
	l, err := info.layout()
	if err != nil {
		return lists{}, err
	}
	part := lists{ids: make([]int64, n), flat: make([]int32, n*l.width)}
	if err := l.decode(content, part); err != nil {
		return lists{}, err
	}
	return part, checkIDs(part.flat, info.Vocab)
}

// Len is the number of trajectories.
func (t *Trajectories) Len() int { return len(t.ids) }

// ID is the id trajectory i was written with.
func (t *Trajectories) ID(i int) int64 { return t.ids[i] }

// State is trajectory i at the time k/G, [L]. It is part of t: do not write to
// it.
func (t *Trajectories) State(i, k int) []int32 {
	from := i*t.info.width() + k*t.info.Length
	return t.flat[from : from+t.info.Length : from+t.info.Length]
}

// MissingTrajectoryFiles lists which of the files 0..files-1 are not whole in
// dir and must be made. A whole file made with other parameters is an error.
func MissingTrajectoryFiles(dir string, files int, want RolloutInfo) ([]int, error) {
	var missing []int
	for index := range files {
		side, err := readSidecar(dir, index)
		if err != nil {
			missing = append(missing, index)
			continue
		}
		if err := side.Info.differences(want); err != nil {
			return nil, fmt.Errorf("trajectories %s: %s: %w", dir, side.File.Name, err)
		}
		if _, err := side.File.read(dir); err != nil {
			missing = append(missing, index)
		}
	}
	return missing, nil
}
