package reports

import (
	"fmt"
	"os"
	"path/filepath"

	"aisim/internal/result"
)

// Extra is what WriteDir may be told beside the run.
type Extra struct {
	Command  string   // the command line that makes the run again, printed in the report
	Perfetto bool     // a trace.perfetto.json stands in the folder, so captions may name it
	Skip     []string // names among result.json, trace.perfetto.json, report.html, explore.html, figures, tables
}

func (e Extra) skips(name string) bool {
	for _, s := range e.Skip {
		if s == name {
			return true
		}
	}
	return false
}

// Written says what WriteDir wrote, in order, and what it left out and why.
type Written struct {
	Files []string // relative to the folder, with slashes
	Notes []string
}

// WriteDir writes the run into dir, which is made if need be: result.json first,
// so that a failure while drawing never costs a result.
func WriteDir(dir string, run *result.Run, extra Extra) (Written, error) {
	var w Written
	if run == nil {
		return w, fmt.Errorf("reports: no run to write")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return w, fmt.Errorf("reports: %w", err)
	}
	put := func(name string, data []byte) error {
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(name)), data); err != nil {
			return err
		}
		w.Files = append(w.Files, name)
		return nil
	}
	if !extra.skips(ResultFile) {
		data, err := Encode(run)
		if err != nil {
			return w, err
		}
		if err := put(ResultFile, data); err != nil {
			return w, err
		}
	}
	if !extra.skips(PerfettoFile) {
		timeline, err := Perfetto(run)
		if err != nil {
			return w, err
		}
		if extra.Perfetto = timeline != nil; extra.Perfetto {
			if err := put(PerfettoFile, timeline); err != nil {
				return w, err
			}
		} else {
			_ = os.Remove(filepath.Join(dir, PerfettoFile)) // of an earlier run
		}
	}
	if !extra.skips(ReportFile) {
		if err := put(ReportFile, HTML(run, extra)); err != nil {
			return w, err
		}
	}
	if !extra.skips(ExploreFile) {
		page, err := Explore(run)
		switch {
		case err != nil:
			w.Notes = append(w.Notes, ExploreFile+" is left out: "+err.Error())
			// A page of an earlier run must not stand beside this result.
			_ = os.Remove(filepath.Join(dir, ExploreFile))
		default:
			if err := put(ExploreFile, page); err != nil {
				return w, err
			}
		}
	}
	if !extra.skips(TablesDir) {
		if err := os.MkdirAll(filepath.Join(dir, TablesDir), 0o755); err != nil {
			return w, fmt.Errorf("reports: %w", err)
		}
		for _, t := range Tables(run) {
			if err := put(TablesDir+"/"+t.Name+".csv", t.CSV()); err != nil {
				return w, err
			}
		}
	}
	if !extra.skips(FiguresDir) {
		if err := os.MkdirAll(filepath.Join(dir, FiguresDir), 0o755); err != nil {
			return w, fmt.Errorf("reports: %w", err)
		}
		files, err := Slides(run)
		if err != nil {
			return w, err
		}
		for _, f := range files {
			if err := put(FiguresDir+"/"+f.Name, f.Data); err != nil {
				return w, err
			}
		}
	}
	return w, nil
}
