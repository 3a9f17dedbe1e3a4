package main

import (
	"bytes"
	"fmt"

	"fsdfm/checkpoints"
	"fsdfm/flow"
	"fsdfm/model"
	"fsdfm/sample"
)

// writeLogits evaluates the model on the inputs of a safetensors file.
func writeLogits(m *sample.Model, in, out string) error {
	file, err := checkpoints.OpenSafetensors(in)
	if err != nil {
		return err
	}
	defer file.Close()
	x, err := readTokens(file, in)
	if err != nil {
		return err
	}
	for i, id := range x.IDs {
		if id < 0 || int(id) >= m.Description.Rows() {
			return fmt.Errorf("%s: x_t[%d] is %d, outside the model's vocabulary of %d", in, i, id, m.Description.Rows())
		}
	}
	t, err := readTimes(file, in, "t", x.Batch)
	if err != nil {
		return err
	}
	var h []float64
	if m.Description.StepAware {
		if h, err = readTimes(file, in, "h", x.Batch); err != nil {
			return err
		}
	}
	shape := []int{x.Batch, x.Length, m.Description.Rows()}
	logits, err := model.NewDenoiser(m.Weights).Logits(x, t, h)
	if err != nil {
		return err
	}
	var content bytes.Buffer
	if err := checkpoints.WriteSafetensors(&content, []checkpoints.Tensor{{Name: "logits", Shape: shape, F32: logits}}, nil); err != nil {
		return err
	}
	return checkpoints.WriteFileAtomic(out, content.Bytes())
}

func readTokens(file *checkpoints.Safetensors, in string) (flow.Tokens, error) {
	_, shape, ok := file.Info("x_t")
	if !ok || len(shape) != 2 || shape[0] < 1 || shape[1] < 1 {
		return flow.Tokens{}, fmt.Errorf("%s: x_t must be integer tokens [B, L] with at least one row, found shape %v", in, shape)
	}
	wide := make([]int64, shape[0]*shape[1])
	if err := file.ReadInt64("x_t", wide); err != nil {
		return flow.Tokens{}, err
	}
	x := flow.NewTokens(shape[0], shape[1])
	for i, v := range wide {
		if x.IDs[i] = int32(v); int64(x.IDs[i]) != v {
			x.IDs[i] = -1
		}
	}
	return x, nil
}

func readTimes(file *checkpoints.Safetensors, in, name string, batch int) ([]float64, error) {
	_, shape, ok := file.Info(name)
	if !ok || len(shape) != 1 || shape[0] != batch {
		return nil, fmt.Errorf("%s: %s must have shape [%d], one value a row of x_t, found %v", in, name, batch, shape)
	}
	values := make([]float32, batch)
	if err := file.ReadFloat32(name, values); err != nil {
		return nil, err
	}
	times := make([]float64, batch)
	for i, v := range values {
		if !(v >= 0 && v <= 1) {
			return nil, fmt.Errorf("%s: %s[%d] is %v: must be in [0, 1]", in, name, i, v)
		}
		times[i] = float64(v)
	}
	return times, nil
}
