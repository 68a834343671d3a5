package scenarios

import (
	"fmt"
	"strings"
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
