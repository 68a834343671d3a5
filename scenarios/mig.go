package scenarios

import (
	"fmt"
	"math"
	"strings"

	"aisim/hardware"
)

// migProfiles are how many instances of a profile one GPU is cut into (NVIDIA Multi-Instance
// GPU User Guide, tables of supported profiles; NVIDIA names the memory of the whole GPU's
// eighths).
var migProfiles = []struct {
	chip     string // begins so
	profiles []migProfile
}{
	{"nvidia-a100-sxm-40", []migProfile{{"1g.5gb", 7}, {"1g.10gb", 4}, {"2g.10gb", 3}, {"3g.20gb", 2}, {"4g.20gb", 1}, {"7g.40gb", 1}}},
	{"nvidia-a100", []migProfile{{"1g.10gb", 7}, {"1g.20gb", 4}, {"2g.20gb", 3}, {"3g.40gb", 2}, {"4g.40gb", 1}, {"7g.80gb", 1}}},
	{"nvidia-h100-sxm", []migProfile{{"1g.10gb", 7}, {"1g.20gb", 4}, {"2g.20gb", 3}, {"3g.40gb", 2}, {"4g.40gb", 1}, {"7g.80gb", 1}}},
	{"nvidia-h200", []migProfile{{"1g.18gb", 7}, {"1g.35gb", 4}, {"2g.35gb", 3}, {"3g.71gb", 2}, {"4g.71gb", 1}, {"7g.141gb", 1}}},
	{"nvidia-b200", []migProfile{{"1g.23gb", 7}, {"1g.45gb", 4}, {"2g.45gb", 3}, {"3g.90gb", 2}, {"4g.90gb", 1}, {"7g.180gb", 1}}},
}

type migProfile struct {
	name string
	each int
}

// slice is what an instance of a profile has of its GPU: the compute slices that its name begins
// with of seven, and of eighths of the memory and its bandwidth as many as its memory is of the
// largest instance's (the guide's fractions of streaming multiprocessors and of memory).
func slice(chip, profile string) (compute, memory float64) {
	for _, m := range migProfiles {
		if !strings.HasPrefix(strings.ToLower(chip), m.chip) {
			continue
		}
		size := func(name string) (g, gb float64) {
			fmt.Sscanf(name, "%fg.%fgb", &g, &gb)
			return g, gb
		}
		g, gb := size(profile)
		_, whole := size(m.profiles[len(m.profiles)-1].name)
		return g / 7, math.Round(8*gb/whole) / 8
	}
	return 1, 1
}

// sliced is an instance of a GPU as a device of its own.
func sliced(d *hardware.Device, chip, profile string) *hardware.Device {
	compute, memory := slice(chip, profile)
	out := d.Scale(hardware.Scaling{Compute: compute, Memory: memory})
	out.MemBytes *= memory
	out.ScaleUpDomain = 1
	return out
}

// instances is how many replicas of a service one accelerator carries.
func (w *World) instances(wl *Workload) (int, error) {
	if wl.MIG == "" {
		return 1, nil
	}
	key := "workload." + wl.ID + ".mig"
	n, err := migInstances(w.Chip.ID, wl.MIG)
	if err != nil {
		return 0, Problems(w.Scenario.ProblemAt(key, wl.MIG, "", "", err.Error()))
	}
	switch p := &wl.Parallelism; {
	case p.Tensor*p.Pipeline*max(1, p.Attention) > 1:
		return 0, Problems(w.Scenario.ProblemAt("workload."+wl.ID+".parallelism", "", "1", "leave out mig", "a replica on an instance of a GPU cannot be cut: instances have no links"))
	case wl.Share != nil:
		return 0, Problems(w.Scenario.ProblemAt("workload."+wl.ID+".share", "", "", "leave out share or mig", "instances do not take turns: each has its own part of the GPU"))
	case wl.Prefill != nil:
		return 0, Problems(w.Scenario.ProblemAt("workload."+wl.ID+".prefill", "", "", "leave out prefill or mig", "a pool for prompts on instances of GPUs is not modelled"))
	}
	return n, nil
}

// migInstances is how many instances of a profile a GPU holds.
func migInstances(chip, profile string) (int, error) {
	for _, m := range migProfiles {
		if !strings.HasPrefix(strings.ToLower(chip), m.chip) {
			continue
		}
		var names []string
		for _, p := range m.profiles {
			if p.name == profile {
				return p.each, nil
			}
			names = append(names, p.name)
		}
		return 0, fmt.Errorf("mig %q: %s has the profiles %s", profile, chip, strings.Join(names, ", "))
	}
	return 0, fmt.Errorf("mig %q: the profiles of %s are not known (those of A100, H100, H200 and B200 are)", profile, chip)
}
