package sweep

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"aisim/internal/result"
)

// RecordSchema is the name of the contract of a point's result.
const RecordSchema = "aisim.point/v1"

// Record is the result of one point: results/HASH.json.
type Record struct {
	Schema  string                   `json:"schema"`
	Index   int                      `json:"index"`
	Hash    string                   `json:"hash"`
	Status  string                   `json:"status"` // ok | refused
	Reason  string                   `json:"reason,omitempty"`
	Keys    []string                 `json:"keys,omitempty"` // in the order of the model
	Values  map[string]result.Number `json:"values,omitempty"`
	Content string                   `json:"content_sha256"` // of this record without this field
}

// encode seals a record.
func (r *Record) encode() []byte {
	r.Content = ""
	data, err := json.Marshal(r)
	if err != nil {
		panic("sweep: invariant: a record is plain finite data: " + err.Error())
	}
	r.Content = sha(data)
	data, _ = json.Marshal(r)
	return append(data, '\n')
}

// store puts a record in its place: written beside it, flushed, renamed, and the folder
// flushed. Whoever stores the same point stores the same bytes.
func (f *Folder) store(r *Record) error {
	tmp, err := os.CreateTemp(filepath.Join(f.Path, tmpDir), r.Hash+"-*")
	if err != nil {
		return err
	}
	name := tmp.Name()
	if _, err = tmp.Write(r.encode()); err == nil {
		err = tmp.Chmod(0o444)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(name, f.place(r.Hash))
	}
	if err != nil {
		_ = os.Remove(name)
		return err
	}
	return syncDir(filepath.Join(f.Path, resultsDir))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (f *Folder) place(hash string) string {
	return filepath.Join(f.Path, resultsDir, hash+".json")
}

// read takes the record of a point, or says what is wrong with its file.
func (f *Folder) read(p Point) (*Record, error) {
	path := f.place(p.Hash)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	torn := func(what string) error {
		return &FolderError{path, what, "it was left as it is; move it away, and `aisim sweep run` plays the point again"}
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, torn("is torn: " + err.Error())
	}
	content := r.Content
	if r.Schema != RecordSchema || r.Hash != p.Hash || r.Index != p.Index {
		return nil, torn("is not the result of this point")
	}
	r.encode()
	if r.Content != content {
		return nil, torn("is torn: its digest is not that of its content")
	}
	return &r, nil
}

// State is how far a sweep is.
type State struct {
	Points  int   `json:"points"`
	Done    int   `json:"done"`
	Refused int   `json:"refused"`
	Missing []int `json:"missing"` // indices
}

// Scan reads every result. What does not belong into the folder is an error that names it.
func (f *Folder) Scan() (State, []*Record, error) {
	s := State{Points: len(f.Points), Missing: []int{}}
	if err := f.foreign(); err != nil {
		return s, nil, err
	}
	records := make([]*Record, len(f.Points))
	for i, p := range f.Points {
		r, err := f.read(p)
		switch {
		case os.IsNotExist(err):
			s.Missing = append(s.Missing, i)
			continue
		case err != nil:
			return s, nil, err
		}
		s.Done++
		if r.Status != "ok" {
			s.Refused++
		}
		records[i] = r
	}
	return s, records, nil
}

// foreign looks for files among the results that are of no point of the sweep.
func (f *Folder) foreign() error {
	dir := filepath.Join(f.Path, resultsDir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return &FolderError{dir, "is missing", "make the folder again, and aisim sweep run plays all points"}
	}
	var names []string
	for _, e := range entries {
		hash, ok := strings.CutSuffix(e.Name(), ".json")
		if _, mine := f.byHash[hash]; !ok || !mine || !e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return nil
	}
	sort.Strings(names)
	more := ""
	if len(names) > 1 {
		more = fmt.Sprintf(" (and %d more)", len(names)-1)
	}
	return &FolderError{filepath.Join(dir, names[0]), "is not the result of a point of this sweep" + more, "it was left as it is; move it away"}
}
