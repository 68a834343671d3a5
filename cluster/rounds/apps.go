package rounds

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The applications of Pollux's workloads. Effective samples are epochs times the size of
// the published data set; the noise scales are fitted on the completion times of jobs of
// workloads 1 to 5 that were never stopped (docs/models/scheduling.md).
var polluxApps = []App{
	{Name: "bert", Effective: 2 * 88740, InitBatch: 12, NoiseScale: 570},                 // SQuAD
	{Name: "cifar10", Effective: 100 * 50000, InitBatch: 256, NoiseScale: 17.9},          // CIFAR-10
	{Name: "deepspeech2", Effective: 80 * 7294, InitBatch: 20, NoiseScale: 58},           // CMU-ARCTIC
	{Name: "imagenet", Effective: 90 * 1281167, InitBatch: 200, NoiseScale: 80},          // ImageNet
	{Name: "ncf", Effective: 10 * 4970845, InitBatch: 256, NoiseScale: 2700},             // MovieLens, with negatives
	{Name: "yolov3", Effective: 50 * 16551, InitBatch: 8, NoiseScale: 28.8, MaxLocal: 8}, // PASCAL VOC
}

// PolluxApps are the applications whose step times stand in the folder, each under its
// name.
func PolluxApps(folder string) (map[string]*App, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("rounds: the measured step times: %w", err)
	}
	out := map[string]*App{}
	for _, e := range entries {
		for _, a := range polluxApps {
			if a.Name != e.Name() {
				continue
			}
			if a.Times, err = ReadStepTimes(filepath.Join(folder, a.Name)); err != nil {
				return nil, err
			}
			out[a.Name] = &a
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("rounds: %s holds no folder of a known application", folder)
	}
	return out, nil
}

// ReadPolluxWorkload reads name, time, application, num_replicas, batch_size.
func ReadPolluxWorkload(path string, apps map[string]*App) ([]Job, error) {
	var jobs []Job
	err := readCSV(path, []string{"name", "time", "application", "num_replicas", "batch_size"}, func(f []string, v []float64) error {
		app := apps[f[2]]
		if app == nil {
			var known []string
			for _, a := range polluxApps {
				known = append(known, a.Name)
			}
			return fmt.Errorf("application %q has no measured step times (known are %s)", f[2], strings.Join(known, ", "))
		}
		if v[3] < 1 || v[4] < 1 {
			return fmt.Errorf("job %s: %v replicas, batch %v: want 1 or more", f[0], v[3], v[4])
		}
		if n := len(jobs); n > 0 && v[1] < jobs[n-1].SubmitSec {
			return fmt.Errorf("job %s is submitted before the one above", f[0])
		}
		jobs = append(jobs, Job{Name: f[0], SubmitSec: v[1], App: app, Replicas: int(v[3]), Batch: v[4]})
		return nil
	})
	if err == nil && len(jobs) == 0 {
		err = fmt.Errorf("%s: no jobs", path)
	}
	return jobs, err
}
