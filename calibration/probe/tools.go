package probe

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Tool is a measuring tool that is run where it is installed; its output is read by ingest.
type Tool struct {
	Name   string
	Args   []string
	Output string // name of the file that its output is kept in
	// Server is started beside it and ended after it: perftest needs both ends.
	Server []string
}

// Tools are those that are looked for on PATH. gpus is how many GPUs nvidia-smi counts, disk the
// folder that fio may write to, seconds how long fio runs each job.
func Tools(gpus int, disk string, seconds int) []Tool {
	fio := func(rw, bs string, depth int) Tool {
		return Tool{Name: "fio", Output: fmt.Sprintf("fio-%s-%d.json", rw, depth), Args: []string{"--name=probe", "--filename=" + filepath.Join(disk, "aisim-probe-fio.dat"), "--size=1G",
			"--rw=" + rw, "--bs=" + bs, "--iodepth=" + strconv.Itoa(depth), "--ioengine=libaio", "--direct=1", "--time_based", "--runtime=" + strconv.Itoa(seconds), "--unlink=1", "--output-format=json"}}
	}
	collective := func(name string) Tool {
		return Tool{Name: name, Output: name + ".txt", Args: []string{"-b", "8", "-e", "4G", "-f", "2", "-g", strconv.Itoa(gpus)}}
	}
	out := []Tool{
		{Name: "nvbandwidth", Args: []string{"-j"}, Output: "nvbandwidth.json"},
		{Name: "rocm-bandwidth-test", Args: []string{"-a"}, Output: "rocm-bandwidth-test.txt"},
		{Name: "ib_write_bw", Args: []string{"-a", "--report_gbits", "localhost"}, Server: []string{"-a", "--report_gbits"}, Output: "ib_write_bw.txt"},
		fio("read", "1M", 32), fio("write", "1M", 32), fio("randread", "4k", 64), fio("randwrite", "4k", 64), fio("randread", "4k", 1), fio("randwrite", "4k", 1),
	}
	if gpus > 1 {
		for _, name := range []string{"all_reduce_perf", "all_gather_perf", "reduce_scatter_perf", "alltoall_perf", "sendrecv_perf"} {
			out = append(out, collective(name))
		}
	}
	return out
}

// GPUs counts the lines of nvidia-smi -L; 0 without a driver.
func GPUs(ctx context.Context) int {
	out, err := exec.CommandContext(ctx, "nvidia-smi", "-L").Output()
	if err != nil {
		return 0
	}
	return strings.Count(string(out), "GPU ")
}

// toolLimit is the longest that one tool may take.
const toolLimit = 15 * time.Minute

// Installed says where the tool is, "" where it is not.
func (t Tool) Installed() string {
	path, err := exec.LookPath(t.Name)
	if err != nil {
		return ""
	}
	return path
}

// Measure runs the tool and returns what it printed, after a line with its command: the tables
// of nccl-tests do not name their operation.
func (t Tool) Measure(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, toolLimit)
	defer cancel()
	if len(t.Server) > 0 {
		server := exec.CommandContext(ctx, t.Name, t.Server...)
		if err := server.Start(); err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
		defer func() { cancel(); _ = server.Wait() }() // it ends with its client, or is ended
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second): // until it listens
		}
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, t.Name, t.Args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		what, _, _ := strings.Cut(strings.TrimSpace(errs.String()), "\n")
		return nil, fmt.Errorf("%s: %w: %s", t.Name, err, what)
	}
	head := ""
	if strings.HasSuffix(t.Output, ".txt") {
		head = strings.Join(append([]string{t.Name}, t.Args...), " ") + "\n"
	}
	return append([]byte(head), out.Bytes()...), nil
}
