package jobs

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"aisim/workloads/trace"
)

// Node is what a node has.
type Node struct {
	Name     string
	CPUMilli int64
	MemMiB   int64
	GPUs     int
	Model    string // "" where it has no GPU
}

// Pod is what a pod asks for.
type Pod struct {
	Name     string
	CPUMilli int64
	MemMiB   int64
	GPUs     int
	GPUMilli int      // of each GPU: 1..1000, 1000 where GPUs > 1
	Models   []string // any of these; none means any
}

// maxPodGPUs bounds the GPUs of one node, and so of one pod.
const maxPodGPUs = 16

// Check says why a request is impossible.
func (p Pod) Check() error {
	switch {
	case p.CPUMilli < 0 || p.MemMiB < 0 || p.GPUs < 0 || p.GPUMilli < 0:
		return fmt.Errorf("a request cannot be negative")
	case p.GPUs == 0 && p.GPUMilli != 0:
		return fmt.Errorf("%d thousandths of no GPU", p.GPUMilli)
	case p.GPUs == 1 && (p.GPUMilli == 0 || p.GPUMilli > 1000):
		return fmt.Errorf("%d thousandths of a GPU, want 1 to 1000", p.GPUMilli)
	case p.GPUs > 1 && p.GPUMilli != 1000:
		return fmt.Errorf("%d GPUs of %d thousandths each: only whole GPUs can be had together", p.GPUs, p.GPUMilli)
	case p.GPUs > maxPodGPUs:
		return fmt.Errorf("%d GPUs in one pod, at most %d", p.GPUs, maxPodGPUs)
	}
	return nil
}

// ReadPods reads a list with the columns name, cpu_milli, memory_mib, num_gpu, gpu_milli
// and, where pods ask for models, gpu_spec ("T4|P100").
func ReadPods(path string) ([]Pod, error) {
	var out []Pod
	err := readTable(path, []string{"name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli"}, func(r *tableRow) error {
		p := Pod{Name: r.text("name"), CPUMilli: r.whole("cpu_milli"), MemMiB: r.whole("memory_mib"), GPUs: int(r.whole("num_gpu")), GPUMilli: int(r.whole("gpu_milli"))}
		for _, m := range strings.Split(r.text("gpu_spec"), "|") {
			if m != "" {
				p.Models = append(p.Models, m)
			}
		}
		if r.err == nil {
			r.err = p.Check()
		}
		out = append(out, p)
		return r.err
	})
	return out, err
}

// ReadNodes reads a list with the columns sn, cpu_milli, memory_mib, gpu and model.
func ReadNodes(path string) ([]Node, error) {
	var out []Node
	err := readTable(path, []string{"sn", "cpu_milli", "memory_mib", "gpu", "model"}, func(r *tableRow) error {
		n := Node{Name: r.text("sn"), CPUMilli: r.whole("cpu_milli"), MemMiB: r.whole("memory_mib"), GPUs: int(r.whole("gpu")), Model: r.text("model")}
		if r.err == nil && (n.CPUMilli < 0 || n.MemMiB < 0 || n.GPUs < 0 || n.GPUs > maxPodGPUs) {
			r.err = fmt.Errorf("%d mCPU, %d MiB, %d GPUs: want nothing negative and at most %d GPUs", n.CPUMilli, n.MemMiB, n.GPUs, maxPodGPUs)
		}
		out = append(out, n)
		return r.err
	})
	return out, err
}

type tableRow struct {
	cells []string
	at    map[string]int
	err   error
}

func (r *tableRow) text(column string) string {
	if i, ok := r.at[column]; ok && i < len(r.cells) {
		return strings.TrimSpace(r.cells[i])
	}
	return ""
}

// whole is a whole number, 0 where the cell is empty.
func (r *tableRow) whole(column string) int64 {
	s := r.text(column)
	if s == "" {
		return 0
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%s is %q, want a whole number", column, s)
	}
	return v
}

// readTable calls take for each line of a CSV with a header.
func readTable(path string, required []string, take func(*tableRow) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	defer f.Close()
	z, done, err := trace.Decompressed(f)
	if err != nil {
		return &Error{File: path, Line: 1, Msg: "compressed input cannot be read", Err: err}
	}
	defer done()
	c := csv.NewReader(z)
	c.FieldsPerRecord, c.ReuseRecord = -1, true
	header, err := c.Read()
	if err != nil {
		return &Error{File: path, Line: 1, Msg: "the header cannot be read", Err: err}
	}
	row := tableRow{at: map[string]int{}}
	for i, h := range header {
		row.at[strings.TrimSpace(strings.TrimPrefix(h, "\ufeff"))] = i
	}
	for _, name := range required {
		if _, ok := row.at[name]; !ok {
			return &Error{File: path, Line: 1, Msg: "no column " + name, Hint: "want " + strings.Join(required, ", ")}
		}
	}
	for n := 0; ; n++ {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			if n == 0 {
				return &Error{File: path, Line: 1, Msg: "only a header", Err: ErrEmpty}
			}
			return nil
		}
		if err != nil {
			return unreadable(path, n+2, err)
		}
		line, _ := c.FieldPos(0)
		row.cells, row.err = cells, nil
		if err := take(&row); err != nil {
			return &Error{File: path, Line: line, Msg: err.Error()}
		}
	}
}
