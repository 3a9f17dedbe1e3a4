package main

import (
	"fmt"
	"io/fs"
	"path/filepath"

	"fsdfm/checkpoints"
	"fsdfm/internal/machine"
)

// need is what a stage takes of the machine, estimated, in bytes.
type need struct {
	memory, disk float64
	less         string // what makes it less
}

const (
	// A process without a network, and what a stage writes beside weights.
	base = 64 << 20
	// Saved for each parameter: weights, EMA, two moments.
	savedBytes = 16
)

// need estimates a stage. What it writes counts whole: see checkDisk.
func (p *pipeline) need(stage string) need {
	c, network, length := p.config, p.network, p.network.Length
	student := network.Student()
	parameters := 4 * float64(student.Parameters())
	trajectories := 4 * float64(c.Rollout.Trajectories) * float64((c.Rollout.Grid+1)*length)
	n := need{memory: base, disk: base, less: "a smaller model"}
	switch stage {
	case "pretrain":
		micro := c.Pretrain.Micro()
		n.memory += network.TrainingBytes(micro, length, c.Pretrain.Recompute) + network.InferenceBytes(micro, length) - 4*float64(network.Parameters())
		n.disk += savedBytes * float64(network.Parameters()) * float64(c.Pretrain.Keep+1)
		n.less = "a smaller pretrain.micro_batch, pretrain.recompute=true or a smaller model"
	case "rollout":
		n.memory += network.InferenceBytes(c.Rollout.Batch, length)
		n.disk += trajectories
		n.less = "a smaller rollout.batch"
	case "distill":
		micro := c.Distill.Micro()
		n.memory += student.TrainingBytes(micro, length, c.Distill.Recompute) + student.InferenceBytes(micro, length) - parameters
		n.memory += network.InferenceBytes(micro, length) + trajectories
		n.disk += savedBytes / 4 * parameters * float64(c.Distill.Keep+1)
		n.less = "a smaller distill.micro_batch, distill.recompute=true or a smaller model"
	case "evaluate":
		n.memory += network.InferenceBytes(c.Evaluate.Batch, length) + student.InferenceBytes(c.Evaluate.Batch, length)
		n.less = "a smaller evaluate.batch"
	case "export":
		n.memory += parameters
		n.disk += parameters
	}
	return n
}

// checkMemory refuses a run before anything is built if one of the stages to
// come needs more memory than there is.
func (p *pipeline) checkMemory(only string) error {
	available, known := machine.AvailableMemory()
	if !known || p.options.ignoreLimits {
		return nil
	}
	for _, s := range p.plan() {
		if exists(p.mark(s.name)) || only != "" && s.name != only {
			continue
		}
		if n := p.need(s.name); n.memory > float64(available) {
			return fmt.Errorf("stage %s needs about %s of memory, %s are free: take %s, or try it with -ignore-limits",
				s.name, readable(n.memory), readable(float64(available)), n.less)
		}
	}
	return nil
}

// checkDisk refuses a stage that would fill the disk. What stands in its folder
// already counts for it.
func (p *pipeline) checkDisk(stage string) error {
	free, known := checkpoints.Disk{}.Free(p.dir)
	if !known || p.options.ignoreLimits {
		return nil
	}
	folder := stage
	if stage == "rollout" {
		folder = "trajectories"
	}
	if more := p.need(stage).disk - p.size(folder); more > float64(free) {
		return fmt.Errorf("stage %s needs about %s more on disk, %s are free in %s: free space, keep fewer saves (%[1]s.keep), or try it with -ignore-limits",
			stage, readable(more), readable(float64(free)), p.dir)
	}
	return nil
}

// size is the bytes of all files of a folder of the run; 0 without one.
func (p *pipeline) size(folder string) float64 {
	total := 0.0
	filepath.WalkDir(p.path(folder), func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil // it does not count
		}
		if info, err := entry.Info(); err == nil {
			total += float64(info.Size())
		}
		return nil
	})
	return total
}
