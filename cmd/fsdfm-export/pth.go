package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"fsdfm/checkpoints/pth"
	"fsdfm/sample"
)

// openPth reads a PyTorch checkpoint.
func openPth(s settings) (*network, error) {
	file, err := pth.Open(s.from)
	if err != nil {
		return nil, err
	}
	n, err := choose(s, file)
	if err != nil {
		file.Close()
		return nil, err
	}
	n.close = file.Close
	return n, nil
}

// choose takes the weights that -weights means from the checkpoint.
func choose(s settings, file *pth.File) (*network, error) {
	there := file.StateDicts()
	i := slices.IndexFunc(groups[s.weights].keys, func(key string) bool { return slices.Contains(there, key) })
	if i < 0 {
		return nil, missing(s, there)
	}
	key := groups[s.weights].keys[i]
	tensors, err := file.StateDict(key)
	if err != nil {
		return nil, err
	}
	n, err := infer(s.foreign, tensors)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.from, err)
	}
	if key == "" {
		key = "state dictionary"
	}
	n.what = key + " of " + s.from
	origin := fmt.Sprintf("`%s` (%s", filepath.Base(s.from), key)
	if step, ok := file.Int("step"); ok {
		origin += fmt.Sprintf(", step %d", step)
	}
	n.card = sample.ImportCard(n.description, origin+"), a PyTorch checkpoint")
	return n, nil
}

// missing explains that the wanted weights are not in the checkpoint.
func missing(s settings, there []string) error {
	const few = 8
	if len(there) == 0 {
		return fmt.Errorf("%s holds no dictionary of tensors: is it a checkpoint of the FS-DFM reference?", s.from)
	}
	for i, key := range there {
		there[i] = fmt.Sprintf("%.40q", key)
	}
	return fmt.Errorf("%s has no %s weights: it holds %s; choose by -weights", s.from, s.weights, strings.Join(there[:min(few, len(there))], ", "))
}
