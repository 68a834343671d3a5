package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"time"

	"aisim/internal/result"
	"aisim/reports"
)

// folder is where a run will be written.
type folder struct {
	path string
	made []string // folders that did not exist before, innermost first
}

// claim makes sure before a long run that its folder can be written to.
func claim(path string) (*folder, error) {
	f := &folder{path: path}
	for at := filepath.Clean(path); ; at = filepath.Dir(at) {
		if _, err := os.Lstat(at); err == nil || at == filepath.Dir(at) {
			break
		}
		f.made = append(f.made, at)
	}
	err := os.MkdirAll(path, 0o755)
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(path, ".aisim-*"); err == nil {
			_ = probe.Close()
			err = os.Remove(probe.Name())
		}
	}
	if err != nil {
		f.release()
		return nil, &fault{exitFailed, "the folder cannot be written to: " + cause(err), path, "name another with -o"}
	}
	return f, nil
}

// release takes back the folders that claim made and nothing was put into.
func (f *folder) release() {
	if f == nil {
		return
	}
	for _, at := range f.made {
		_ = os.Remove(at) // fails, rightly, when something is in it
	}
}

// keep writes a run into its folder.
func (p *program) keep(dir string, run *result.Run, info reports.RunInfo, start time.Time) error {
	written, err := reports.WriteDir(dir, run, reports.Extra{Command: shellLine(info.Command)})
	if err != nil {
		return &fault{exitFailed, "the run cannot be written: " + withoutRoom(err), dir, "make room, or name another folder with -o; aisim report makes the pages from a " + reports.ResultFile}
	}
	info.Notes = written.Notes
	info.PeakBytes = peakBytes()
	info.OS, info.Arch, info.CPUs = runtime.GOOS, runtime.GOARCH, runtime.NumCPU()
	info.Host, _ = os.Hostname()
	info.WallSeconds = time.Since(start).Seconds()
	if err := reports.WriteRunInfo(dir, info); err != nil {
		return &fault{exitFailed, withoutRoom(err), dir, ""}
	}
	p.told(dir, written)
	return nil
}

// told says on stderr what was written and what was not.
func (p *program) told(dir string, w reports.Written) {
	for _, n := range w.Notes {
		p.note("%s", n)
	}
	if old := leftovers(dir, w.Files); len(old) > 0 {
		p.note("%s: of an earlier run, not of this one: %s", dir, strings.Join(old, ", "))
	}
	for _, name := range []string{reports.ReportFile, reports.ResultFile} {
		for _, f := range w.Files {
			if f == name {
				p.note("wrote %s", filepath.Join(dir, name))
				return
			}
		}
	}
}

// leftovers are the files of figures/ and tables/ that this run did not write.
func leftovers(dir string, files []string) []string {
	mine := map[string]bool{}
	for _, f := range files {
		mine[f] = true
	}
	var out []string
	for _, sub := range []string{reports.FiguresDir, reports.TablesDir} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			continue
		}
		for _, e := range entries {
			if name := sub + "/" + e.Name(); !mine[name] {
				out = append(out, name)
			}
		}
	}
	sort.Strings(out)
	return out
}

// commandOf is the command that made a run, from the run.json beside its result.
func commandOf(dir string) string {
	data, err := os.ReadFile(filepath.Join(dir, reports.RunFile))
	if err != nil {
		return ""
	}
	var info reports.RunInfo
	if json.Unmarshal(data, &info) != nil || len(info.Command) == 0 {
		return ""
	}
	return shellLine(info.Command)
}
