package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sweepText is a space whose points take milliseconds; some of the 16 cannot be built.
const sweepText = `include = ["builtin:gpt3-175b-1024-a100"]
version = 1
name = "small sweep"
[cluster]
nodes = 64
[sweep]
replicas = 2
[[sweep.variable]]
key = "workload.pretrain.recompute"
values = ["selective", "full"]
[[sweep.variable]]
key = "workload.pretrain.batch.micro"
values = [1, 2, 3, 4]
[[sweep.variable]]
key = "economics.rent.purchase"
values = ["on-demand", "spot"]
`

func plannedSweep(t *testing.T) (scenario, dir string) {
	t.Helper()
	root := t.TempDir()
	scenario, dir = filepath.Join(root, "s.toml"), filepath.Join(root, "sweep")
	if err := os.WriteFile(scenario, []byte(sweepText), 0o644); err != nil {
		t.Fatal(err)
	}
	aisim(t, 0, "sweep", "plan", scenario, "-o", dir)
	return scenario, dir
}

// The tables are the same bytes whoever played the points, in whatever order and as often
// as it may be; what is planned twice stays.
func TestSweepIsTheSameFromAnywhere(t *testing.T) {
	scenario, whole := plannedSweep(t)
	out, _ := aisim(t, 0, "sweep", "run", whole, "--workers", "2")
	if !strings.Contains(out, "16 points over") {
		t.Errorf("stdout: %s", out)
	}
	parts := filepath.Join(t.TempDir(), "sweep")
	aisim(t, 0, "sweep", "plan", scenario, "-o", parts)
	for _, task := range []string{"3", "0", "0", "2"} {
		aisim(t, 0, "sweep", "run", parts, "--index", task, "--chunk", "4", "--workers", "1")
	}
	if _, errs := aisim(t, exitFailed, "sweep", "merge", parts); !strings.Contains(errs, "4 of 16 points have no result yet, the first is 4") {
		t.Errorf("stderr: %s", errs)
	}
	out, _ = aisim(t, 0, "sweep", "status", parts)
	if !strings.Contains(out, "12 of 16 points done") || !strings.Contains(out, "missing: 4-7") {
		t.Errorf("status: %s", out)
	}
	t.Setenv("SLURM_ARRAY_TASK_ID", "1")
	aisim(t, 0, "sweep", "run", parts, "--chunk", "4")
	aisim(t, 0, "sweep", "merge", parts)
	aisim(t, 0, "sweep", "plan", scenario, "-o", parts) // the same sweep: nothing happens
	sameTree(t, whole, parts)
	aisim(t, exitData, "sweep", "plan", scenario, "--set", "sweep.replicas=3", "-o", parts)
	sameTree(t, whole, parts)
}

func sameTree(t *testing.T, a, b string) {
	t.Helper()
	x, y := tree(t, a), tree(t, b)
	if len(x) != len(y) {
		t.Errorf("%d files and %d", len(x), len(y))
	}
	for name := range x {
		if x[name] != y[name] {
			t.Errorf("%s is not the same", name)
		}
	}
}

// Killed at any moment, again and again, a sweep ends with the bytes of one that was left
// alone. AISIM_KILLS sets how often; the make target kills takes a hundred.
func TestKilledSweepsLoseNothing(t *testing.T) {
	kills := 6
	if n, err := strconv.Atoi(os.Getenv("AISIM_KILLS")); err == nil {
		kills = n
	}
	scenario, whole := plannedSweep(t)
	aisim(t, 0, "sweep", "run", whole)
	random := rand.New(rand.NewPCG(1, uint64(kills)))
	child := func(args ...string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], append([]string{"sweep"}, args...)...)
		cmd.Env = append(os.Environ(), childBuild+"=1")
		return cmd
	}
	dir := ""
	for k := 0; k < kills; k++ {
		if k%10 == 0 { // a fresh folder, of which the making is killed too
			dir = filepath.Join(t.TempDir(), "sweep")
		}
		steps := [][]string{{"plan", scenario, "-o", dir}, {"run", dir, "--workers", "2"}, {"merge", dir}}
		for _, args := range steps {
			cmd := child(args...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			timer := time.AfterFunc(time.Duration(random.Int64N(int64(250*time.Millisecond))), func() { _ = cmd.Process.Kill() })
			_ = cmd.Wait()
			timer.Stop()
		}
		if k%10 != 9 && k != kills-1 {
			continue
		}
		aisim(t, 0, "sweep", "plan", scenario, "-o", dir)
		aisim(t, 0, "sweep", "run", dir)
		if left, _ := os.ReadDir(filepath.Join(dir, "tmp")); len(left) > 2*kills {
			t.Errorf("%d files were left behind", len(left))
		}
		_ = os.RemoveAll(filepath.Join(dir, "tmp"))
		_ = os.RemoveAll(filepath.Join(whole, "tmp"))
		sameTree(t, whole, dir)
	}
}

// What does not belong into the folder, or is not whole, is named and stays as it is.
func TestForeignAndTornFoldersAreLeftAlone(t *testing.T) {
	_, dir := plannedSweep(t)
	aisim(t, 0, "sweep", "run", dir)
	entries, err := os.ReadDir(filepath.Join(dir, "results"))
	if err != nil || len(entries) != 16 {
		t.Fatal(len(entries), err)
	}
	var one string
	var whole []byte
	for _, e := range entries { // some points are refused: their results hold no values
		one = filepath.Join(dir, "results", e.Name())
		if whole, err = os.ReadFile(one); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(whole), `"value":`) {
			break
		}
	}
	put := func(path string, data []byte) {
		t.Helper()
		_ = os.Remove(path)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		path string
		data []byte
	}{
		{"torn", one, whole[:len(whole)/2]},
		{"empty", one, nil},
		{"altered", one, []byte(strings.Replace(string(whole), `"value":`, `"value":1`, 1))},
		{"foreign", filepath.Join(dir, "results", "notes.txt"), []byte("mine")},
		{"points", filepath.Join(dir, "points.jsonl"), []byte("{}\n")},
	} {
		old, had := os.ReadFile(c.path)
		put(c.path, c.data)
		before := fmt.Sprint(tree(t, dir))
		for _, verb := range []string{"run", "status", "merge"} {
			if _, errs := aisim(t, exitData, "sweep", verb, dir); !strings.Contains(errs, filepath.Base(c.path)) {
				t.Errorf("%s, %s: the file is not named: %s", c.name, verb, errs)
			}
		}
		if fmt.Sprint(tree(t, dir)) != before {
			t.Errorf("%s: the folder was changed", c.name)
		}
		_ = os.Remove(c.path)
		if had == nil {
			put(c.path, old)
		}
	}
	other := t.TempDir()
	put(filepath.Join(other, "thesis.tex"), []byte("x"))
	if _, errs := aisim(t, exitData, "sweep", "plan", "serving-sweep", "-o", other); !strings.Contains(errs, "thesis.tex") {
		t.Errorf("stderr: %s", errs)
	}
	aisim(t, exitData, "sweep", "run", other)
	aisim(t, exitScenario, "sweep", "plan", "llama3-70b-serving", "-o", filepath.Join(other, "s"))
}

// A sweep is handed to Slurm as an array and a merge that waits for it.
func TestSweepIsHandedToSchedulers(t *testing.T) {
	_, dir := plannedSweep(t)
	out, _ := aisim(t, 0, "sweep", "submit", dir, "--slurm", "--chunk", "5", "--at-once", "2", "--program", "/opt/aisim", "--dry-run")
	for _, want := range []string{"#SBATCH --array=0-3%2\n", "#SBATCH --requeue\n", "exec /opt/aisim sweep run " + dir + " --chunk 5 --workers 1\n", "--dependency=afterok:$ARRAY", "exec /opt/aisim sweep merge " + dir} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	bin, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
	fake := "#!/bin/sh\necho \"$@\" >> " + log + "\ncat >> " + log + "\necho 4711\n"
	for _, name := range []string{"sbatch", "kubectl"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(fake), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	if out, _ := aisim(t, 0, "sweep", "submit", dir, "--slurm"); out != "array 4711, merge 4711\n" {
		t.Errorf("stdout: %s", out)
	}
	aisim(t, 0, "sweep", "submit", dir, "--k8s", "--image", "r/aisim:1", "--claim", "sweeps", "--chunk", "4")
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--dependency=afterok:4711", "--array=0-15\n", "apply -f -", "completionMode: Indexed\n  completions: 4\n  parallelism: 4\n", `claimName: "sweeps"`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%q is not in\n%s", want, data)
		}
	}
	aisim(t, exitUsage, "sweep", "submit", dir)
	aisim(t, exitUsage, "sweep", "submit", dir, "--k8s", "--dry-run")
	aisim(t, exitUsage, "sweep", "run", dir, "--index", "16")
}
