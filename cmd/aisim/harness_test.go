package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"aisim/planner"
)

// childMark makes the test binary be aisim, for the tests that need a process.
const childMark = "AISIM_TEST_CHILD"

// childBuild gives the child the build of call, so that both may work on one sweep.
const childBuild = "AISIM_TEST_BUILD"

func TestMain(m *testing.M) {
	if os.Getenv(childBuild) != "" {
		p, _, _ := call("", os.Args[1:]...)
		p.kill, p.stdout, p.stderr = os.Exit, os.Stdout, os.Stderr
		os.Exit(p.execute())
	}
	if os.Getenv(childMark) != "" {
		plainEvery = 0 // a line per simulation, so that the parent knows when to strike
		os.Exit(execute(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// lockedBuffer takes the writes of the command and of its signal watcher.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// call is a program whose surroundings a test controls.
func call(stdin string, args ...string) (*program, *lockedBuffer, *lockedBuffer) {
	var out, errs lockedBuffer
	p := &program{args: args, stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs,
		build:    build{Version: "v0.0.0-test", Revision: "0123456789ab", Go: "go1.0", Platform: "test/test"},
		evaluate: planner.Evaluate,
		signals:  func() (<-chan os.Signal, func()) { return nil, func() {} },
		kill:     func(int) { panic("a test was killed") }}
	return p, &out, &errs
}

// aisim runs a command line that must end with the code.
func aisim(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	p, out, errs := call("", args...)
	if got := p.execute(); got != code {
		t.Fatalf("aisim %s: exit code %d, expected %d\nstderr: %s", strings.Join(args, " "), got, code, errs)
	}
	return out.String(), errs.String()
}

// quick are runs of a second or less, one of each kind of workload.
var quick = map[string][]string{
	"training": {"gpt3-175b-1024-a100", "--set", "cluster.nodes=64", "--replicas", "6"},
	"serving":  {"llama3-70b-serving", "--set", "workload.chat.duration=20 s", "--replicas", "3"},
	"mixed": {"mixed-train-serve", "--set", "workload.chat.duration=10 s", "--set", "workload.pretrain.duration=1d",
		"--set", "cluster.nodes=32", "--set", "workload.pretrain.nodes=16", "--set", "workload.chat.arrivals.rate=20/s", "--replicas", "2"},
	"edge": {"resnet50-fpga-edge", "--set", "workload.classify.duration=0.5 s", "--replicas", "2"},
}

func runArgs(kind string, more ...string) []string {
	return append(append([]string{"run"}, quick[kind]...), more...)
}

// tree reads all files of a folder.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// within fails a test that waits for something that does not come.
func within(t *testing.T, d time.Duration, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(d):
		t.Fatalf("%s: not within %s", what, d)
	}
}
