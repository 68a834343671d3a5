package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"aisim/internal/result"
	"aisim/planner"
	"aisim/reports"
	"aisim/scenarios"
)

// A signal while replicas are played leaves a valid folder that is marked incomplete.
func TestSignalLeavesPartialResult(t *testing.T) {
	for sig, code := range map[os.Signal]int{os.Interrupt: exitInterrupt, syscall.SIGTERM: exitTerminated} {
		t.Run(sig.String(), func(t *testing.T) {
			dir := t.TempDir()
			signals := make(chan os.Signal, 1)
			p, out, errs := call("", "run", "gpt3-175b-1024-a100", "--replicas", "64", "--workers", "1", "-o", dir)
			p.signals = func() (<-chan os.Signal, func()) { return signals, func() {} }
			p.evaluate = func(ctx context.Context, w *scenarios.World, opt planner.Options) (*result.Run, error) {
				progress := opt.Progress
				opt.Progress = func(done, total int) {
					progress(done, total)
					if done == 40 {
						signals <- sig
						<-ctx.Done()
					}
				}
				return planner.Evaluate(ctx, w, opt)
			}
			if got := p.execute(); got != code {
				t.Fatalf("exit code %d, expected %d: %s", got, code, errs)
			}
			checkPartial(t, dir)
			if !strings.Contains(out.String(), "! ") {
				t.Error("the text on stdout does not say that the run is incomplete")
			}
			if !strings.Contains(errs.String(), "incomplete") {
				t.Errorf("stderr: %s", errs)
			}
		})
	}
}

// checkPartial expects a readable run that says that it is not whole.
func checkPartial(t *testing.T, dir string) {
	t.Helper()
	run, err := reports.ReadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	if run.Complete || run.Stopped == "" {
		t.Fatalf("complete %v, stopped %q", run.Complete, run.Stopped)
	}
	files := tree(t, dir)
	if !strings.Contains(files["report.html"], run.Stopped) {
		t.Errorf("the report does not say %q", run.Stopped)
	}
	if files["run.json"] == "" {
		t.Error("no run.json")
	}
}

func TestSignalBeforeTheFirstFuture(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	signals := make(chan os.Signal, 1)
	signals <- os.Interrupt
	p, out, errs := call("", runArgs("training", "-o", dir)...)
	p.signals = func() (<-chan os.Signal, func()) { return signals, func() {} }
	p.evaluate = func(ctx context.Context, _ *scenarios.World, _ planner.Options) (*result.Run, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if code := p.execute(); code != exitInterrupt || out.String() != "" {
		t.Fatalf("exit code %d, stdout %q: %s", code, out, errs)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("an empty folder was left behind")
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	signals := make(chan os.Signal, 2)
	killed := make(chan struct{})
	var code int
	p, _, errs := call("", runArgs("training")...)
	p.signals = func() (<-chan os.Signal, func()) { return signals, func() {} }
	p.kill = func(c int) { code = c; close(killed) }
	p.evaluate = func(context.Context, *scenarios.World, planner.Options) (*result.Run, error) {
		signals <- os.Interrupt
		signals <- os.Interrupt
		within(t, 10*time.Second, "the end", killed) // work that never looks at its context
		return nil, context.Canceled
	}
	p.execute()
	if code != exitInterrupt {
		t.Errorf("killed with %d: %s", code, errs)
	}
}

// The same with a real process and a real signal.
func TestProcessInterrupted(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "run", "gpt3-175b-1024-a100", "--replicas", "5000", "-o", dir, "--format", "json")
	cmd.Env = append(os.Environ(), childMark+"=1")
	var out bytes.Buffer
	cmd.Stdout = &out
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	var errs strings.Builder
	lines := bufio.NewScanner(pipe)
	for sent := false; lines.Scan(); {
		// Each of the first futures is followed by its paired changes: 40 parts are
		// surely past the nominal one. A number may be missing: lines never go back.
		var done, total int
		if n, _ := fmt.Sscanf(lines.Text(), "aisim: %d of %d", &done, &total); n < 2 {
			errs.WriteString(lines.Text() + "\n")
		} else if !sent && done >= 40 {
			sent = true
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitInterrupt {
		t.Fatalf("%v\n%s", err, &errs)
	}
	checkPartial(t, dir)
	data, err := os.ReadFile(filepath.Join(dir, reports.ResultFile))
	if err != nil || out.String() != string(data) {
		t.Errorf("stdout is not result.json: %v", err)
	}
}

// A panic is a bug: it ends with the command and the seed that show it again.
func TestPanicSaysHowToSeeItAgain(t *testing.T) {
	p, out, errs := call("", runArgs("training", "--seed", "42")...)
	p.evaluate = func(context.Context, *scenarios.World, planner.Options) (*result.Run, error) {
		panic("cluster: invariant: time went backwards")
	}
	if code := p.execute(); code != exitFailed || out.String() != "" {
		t.Fatalf("exit code %d, stdout %q", code, out)
	}
	for _, word := range []string{"time went backwards", "--seed 42", "gpt3-175b-1024-a100 --set cluster.nodes=64", "0123456789ab"} {
		if !strings.Contains(errs.String(), word) {
			t.Errorf("stderr does not say %q:\n%s", word, errs)
		}
	}
}
