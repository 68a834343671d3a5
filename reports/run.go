package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"aisim/internal/result"
)

// Names of the files that a run's folder holds.
const (
	ResultFile  = "result.json"
	RunFile     = "run.json"
	ReportFile  = "report.html"
	ExploreFile = "explore.html"
	FiguresDir  = "figures"
	TablesDir   = "tables"
)

// maxResultBytes bounds what ReadRun takes in.
const maxResultBytes = 1 << 30

// Encode is run as the bytes of result.json: the same run gives the same bytes.
// A number that JSON cannot hold (NaN, infinity) is an error.
func Encode(run *result.Run) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(run); err != nil {
		return nil, fmt.Errorf("reports: write %s: %w", ResultFile, err)
	}
	return b.Bytes(), nil
}

// ReadRun loads a result from a run's folder or from the path of a result.json.
func ReadRun(path string) (*result.Run, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reports: read run: %w", err)
	}
	if info.IsDir() {
		path = filepath.Join(path, ResultFile)
		if info, err = os.Stat(path); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("reports: read run: no %s in the folder: %w", ResultFile, err)
			}
			return nil, fmt.Errorf("reports: read run: %w", err)
		}
	}
	if info.Size() > maxResultBytes {
		return nil, fmt.Errorf("reports: read run: %s holds %d bytes, at most %d are read", path, info.Size(), maxResultBytes)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reports: read run: %w", err)
	}
	run := new(result.Run)
	if err := json.Unmarshal(data, run); err != nil {
		return nil, fmt.Errorf("reports: read run: %s: %w", path, err)
	}
	if run.Schema != result.Schema {
		return nil, fmt.Errorf("reports: read run: %s: schema is %q, this version reads %q", path, run.Schema, result.Schema)
	}
	return run, nil
}

// RunInfo is run.json: what may differ between two runs of the same input.
type RunInfo struct {
	Schema      string   `json:"schema"` // "aisim.runinfo/v1"
	Command     []string `json:"command,omitempty"`
	Started     string   `json:"started,omitempty"` // RFC 3339
	WallSeconds float64  `json:"wall_s"`
	PeakBytes   uint64   `json:"peak_bytes,omitempty"`
	Workers     int      `json:"workers"`
	Host        string   `json:"host,omitempty"`
	OS          string   `json:"os,omitempty"`
	Arch        string   `json:"arch,omitempty"`
	CPUs        int      `json:"cpus,omitempty"`
	Notes       []string `json:"notes,omitempty"` // such as why explore.html was left out
}

// WriteRunInfo writes run.json into dir.
func WriteRunInfo(dir string, info RunInfo) error {
	info.Schema = "aisim.runinfo/v1"
	data, err := json.MarshalIndent(info, "", " ")
	if err != nil {
		return fmt.Errorf("reports: write %s: %w", RunFile, err)
	}
	return writeFile(filepath.Join(dir, RunFile), append(data, '\n'))
}

// writeFile puts data at path whole or not at all: a reader never sees half a file.
func writeFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".aisim-*")
	if err != nil {
		return fmt.Errorf("reports: write %s: %w", filepath.Base(path), err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
			err = fmt.Errorf("reports: write %s: %w", filepath.Base(path), err)
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
