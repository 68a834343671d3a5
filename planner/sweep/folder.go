package sweep

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"

	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/internal/result"
	"aisim/scenarios"
)

// Schema is the name of the contract of sweep.json.
const Schema = "aisim.sweep/v1"

// Names of the files of a sweep.
const (
	manifestFile = "sweep.json"
	scenarioFile = "scenario.toml"
	pointsFile   = "points.jsonl"
	inputsDir    = "inputs"
	resultsDir   = "results"
	tmpDir       = "tmp"
	// MergedDir is where the tables go.
	MergedDir = "merged"
)

// Manifest is sweep.json.
type Manifest struct {
	Schema       string                 `json:"schema"`
	Name         string                 `json:"name"`
	Version      string                 `json:"version"`
	Revision     string                 `json:"revision"`
	Seed         uint64                 `json:"seed"`
	Replicas     int                    `json:"replicas"`
	Capacity     bool                   `json:"capacity"`
	Catalogue    string                 `json:"catalogue_sha256"`
	Scenario     string                 `json:"scenario_sha256"`
	Inputs       []result.FileRef       `json:"inputs"`
	Profiles     []string               `json:"profiles"` // names among inputs
	Variables    []result.SweepVariable `json:"variables"`
	Points       int                    `json:"points"`
	PointsSHA256 string                 `json:"points_sha256"`
}

// Folder is an opened sweep.
type Folder struct {
	Path     string
	Manifest Manifest
	Points   []Point
	byHash   map[string]int
}

// FolderError says what of a folder is not as a sweep leaves it. Nothing was changed.
type FolderError struct{ Path, What, Fix string }

func (e *FolderError) Error() string { return e.Path + ": " + e.What }

func sha(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Build is the version of the program that plays.
type Build struct{ Version, Revision string }

// Plan writes a new sweep into dir: all of it or, when interrupted, nothing there. Where
// the same sweep stands already it is left as it is, with its results.
func Plan(dir string, sc *scenarios.Scenario, profiles map[string][]byte, b Build) (*Folder, error) {
	if sc.Sweep == nil {
		return nil, scenarios.Problems(sc.ProblemAt("sweep", "", "", `write [sweep] and a [[sweep.variable]] with key and values`, "is missing: what is to be swept"))
	}
	m := Manifest{Schema: Schema, Name: sc.Name, Version: b.Version, Revision: b.Revision, Seed: sc.Seed, Replicas: sc.Sweep.Replicas, Capacity: sc.Sweep.Capacity, Catalogue: hardware.Default().SHA256(),
		Inputs: []result.FileRef{}, Profiles: []string{}}
	files, content := map[string]string{}, map[string][]byte{}
	add := func(base string, data []byte) string {
		name := sha(data)[:12] + "-" + base
		if content[name] == nil {
			m.Inputs = append(m.Inputs, result.FileRef{Name: name, SHA256: sha(data)})
		}
		content[name] = data
		return name
	}
	for _, f := range sc.Files() {
		data, err := os.ReadFile(f.Path)
		if err != nil {
			return nil, scenarios.Problems(sc.ProblemAt(f.Key, f.Path, "", "", "cannot be read"))
		}
		files[f.Key] = inputsDir + "/" + add(filepath.Base(f.Path), data)
	}
	var names []string
	for name := range profiles {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		m.Profiles = append(m.Profiles, add(filepath.Base(name), profiles[name]))
	}
	text := []byte(sc.Text(files))
	m.Scenario = sha(text)
	ground, _ := json.Marshal(m)
	points, vars, err := expand(sc, string(ground))
	if err != nil {
		return nil, scenarios.Problems(sc.ProblemAt("sweep.variable", "", "", "", err.Error()))
	}
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	enc.SetEscapeHTML(false)
	for _, p := range points {
		_ = enc.Encode(p) // a buffer takes everything
	}
	m.Variables, m.Points, m.PointsSHA256 = vars, len(points), sha(lines.Bytes())
	manifest, _ := json.MarshalIndent(m, "", " ")
	manifest = append(manifest, '\n')

	if old, err := os.ReadFile(filepath.Join(dir, manifestFile)); err == nil {
		if !bytes.Equal(old, manifest) {
			return nil, &FolderError{dir, "another sweep is there already", "name a folder that does not exist; the one there was left as it is"}
		}
		return Open(dir)
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, &FolderError{dir, fmt.Sprintf("holds %q and is not a sweep", entries[0].Name()), "name a folder that does not exist; the one there was left as it is"}
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, &FolderError{dir, "is not a folder", "name a folder that does not exist"}
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	stage, err := os.MkdirTemp(parent, ".aisim-sweep-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(stage)
	for _, sub := range []string{inputsDir, resultsDir, tmpDir} {
		if err := os.Mkdir(filepath.Join(stage, sub), 0o755); err != nil {
			return nil, err
		}
	}
	all := map[string][]byte{manifestFile: manifest, scenarioFile: text, pointsFile: lines.Bytes()}
	for name, data := range content {
		all[inputsDir+"/"+name] = data
	}
	for name, data := range all {
		if err := writeSynced(filepath.Join(stage, name), data, 0o444); err != nil {
			return nil, err
		}
	}
	if err := os.Chmod(stage, 0o755); err != nil {
		return nil, err
	}
	if err := os.Rename(stage, filepath.Clean(dir)); err != nil {
		return nil, err
	}
	return Open(dir)
}

// Open reads a sweep and checks that nothing of it was changed.
func Open(dir string) (*Folder, error) {
	f := &Folder{Path: dir, byHash: map[string]int{}}
	data, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if err != nil {
		return nil, &FolderError{dir, "is not a sweep: there is no " + manifestFile, "aisim sweep plan SCENARIO -o DIR makes one"}
	}
	if err := json.Unmarshal(data, &f.Manifest); err != nil || f.Manifest.Schema != Schema {
		return nil, &FolderError{filepath.Join(dir, manifestFile), "is torn or not of " + Schema, "it was left as it is; plan the sweep into another folder"}
	}
	check := func(name, want string) ([]byte, error) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		data, err := os.ReadFile(path)
		if err != nil || sha(data) != want {
			return nil, &FolderError{path, "is missing or not what was planned", "points and inputs of a sweep are never changed; plan another sweep into another folder"}
		}
		return data, nil
	}
	if _, err := check(scenarioFile, f.Manifest.Scenario); err != nil {
		return nil, err
	}
	for _, in := range f.Manifest.Inputs {
		if _, err := check(inputsDir+"/"+in.Name, in.SHA256); err != nil {
			return nil, err
		}
	}
	lines, err := check(pointsFile, f.Manifest.PointsSHA256)
	if err != nil {
		return nil, err
	}
	scan := bufio.NewScanner(bytes.NewReader(lines))
	scan.Buffer(nil, 1<<22)
	for scan.Scan() {
		var p Point
		if err := json.Unmarshal(scan.Bytes(), &p); err != nil {
			return nil, fmt.Errorf("sweep: invariant: %w", err) // the digest was right
		}
		f.byHash[p.Hash] = len(f.Points)
		f.Points = append(f.Points, p)
	}
	return f, nil
}

// Belongs says whether the program is the one that the sweep was planned with.
func (f *Folder) Belongs(b Build) error {
	m := &f.Manifest
	if m.Version != b.Version || m.Revision != b.Revision || m.Catalogue != hardware.Default().SHA256() {
		return &FolderError{f.Path, fmt.Sprintf("was planned with aisim %s, revision %s, and this is %s, revision %s: results of both would not compare", m.Version, m.Revision, b.Version, b.Revision),
			"run it with the program that planned it, or plan it again into another folder"}
	}
	return nil
}

// load reads the scenario of the sweep and the profiles that it is played with.
func (f *Folder) load() (*scenarios.Scenario, scenarios.Options, error) {
	var opt scenarios.Options
	sc, err := scenarios.Load(filepath.Join(f.Path, scenarioFile), nil)
	if err != nil {
		return nil, opt, err
	}
	for _, name := range f.Manifest.Profiles {
		data, err := os.ReadFile(filepath.Join(f.Path, inputsDir, name))
		if err != nil {
			return nil, opt, err
		}
		p, err := profile.Load(bytes.NewReader(data))
		if err != nil {
			return nil, opt, err
		}
		opt.Profiles = append(opt.Profiles, p)
	}
	opt.Untried = true
	return sc, opt, nil
}

// writeSynced writes a file that is on the disk when it returns.
func writeSynced(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
