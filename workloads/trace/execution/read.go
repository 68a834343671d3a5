package execution

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"aisim/workloads/trace"
)

// Limits of what is read.
const (
	maxRanks = 1 << 16
	maxNodes = 50 << 20 // of one rank
	sniff    = 4096     // bytes from which a format is told
)

// The formats by their name.
const (
	FormatChakra     = "chakra"
	FormatChakraJSON = "chakra-json"
	FormatKineto     = "kineto"
	FormatPyTorch    = "pytorch-et"
	FormatLayers     = "layers" // text of ASTRA-sim 1.0 and SimAI; see ReadLayers
)

// Detect tells the format of a file by its first bytes, compressed or not; "" is none
// that is known.
func Detect(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	format := ""
	err = members(f, path, func(_ string, r *bufio.Reader) error {
		if format == "" {
			format = detect(r)
		}
		return nil
	})
	return format, err
}

var layersHead = regexp.MustCompile(`^(MICRO|DATA|MODEL|HYBRID_[A-Z_]+|DLRM|TRANSFORMER[A-Z_]*)\b`)

func detect(r *bufio.Reader) string {
	head, _ := r.Peek(sniff)
	t := bytes.TrimLeft(head, " \t\r\n\ufeff")
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return bytes.Contains(t, []byte(w)) })
	}
	switch {
	case IsChakra(head):
		return FormatChakra
	case len(t) == 0:
		return ""
	case layersHead.Match(t):
		return FormatLayers
	case t[0] == '[' && has(`"ph"`), t[0] == '{' && has(`"traceEvents"`, `"deviceProperties"`, `"schemaVersion"`, `"distributedInfo"`):
		return FormatKineto
	case t[0] == '{' && has(`"nodes"`) && has(`"schema"`, `"pid"`):
		return FormatPyTorch
	case t[0] == '{' && has(`"ctrlDeps"`, `"ctrl_deps"`, `"dataDeps"`, `"data_deps"`, `_NODE"`, `"durationMicros"`, `"duration_micros"`), t[0] == '{' && has(`"version"`) && has(`"attr"`, `"id"`):
		return FormatChakraJSON
	}
	return ""
}

// members hands on the files in r: itself, or what a tar archive holds.
func members(r io.Reader, name string, each func(name string, r *bufio.Reader) error) error {
	br, done, err := plain(r)
	if err != nil {
		return err
	}
	defer done()
	head, _ := br.Peek(512)
	if len(head) < 512 || string(head[257:262]) != "ustar" {
		return each(name, br)
	}
	archive := tar.NewReader(br)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("tar: %w", err)
		}
		if h.Typeflag != tar.TypeReg || strings.HasPrefix(filepath.Base(h.Name), "._") {
			continue
		}
		in, done, err := plain(archive)
		if err != nil {
			return err
		}
		err = each(filepath.Base(h.Name), in)
		done()
		if err != nil {
			return err
		}
	}
}

// plain looks through gzip and Zstandard.
func plain(r io.Reader) (*bufio.Reader, func(), error) {
	z, done, err := trace.Decompressed(r)
	if err != nil {
		return nil, nil, err
	}
	return bufio.NewReaderSize(z, 1<<16), done, nil
}

// part is what one file gives: a rank with what it knows of the job.
type part struct {
	rank     Rank
	groups   Trace // Format, Version, Device, Groups, World, Timed of this file
	warnings warnings
}

// Read reads one file per rank, or archives of them. Ranks are numbered by the last
// number in their files' names where these differ, else in the order given.
func Read(paths ...string) (*Trace, error) {
	perFile := make([][]*part, len(paths))
	errs := make([]error, len(paths))
	var wait sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, path := range paths {
		slots <- struct{}{}
		wait.Go(func() {
			perFile[i], errs[i] = readFile(path)
			<-slots
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	parts := slices.Concat(perFile...)
	switch {
	case len(parts) == 0:
		return nil, &Error{File: strings.Join(paths, ", "), Msg: "no trace in it"}
	case len(parts) > maxRanks:
		return nil, &Error{File: paths[0], Msg: fmt.Sprintf("%d ranks; at most %d are read", len(parts), maxRanks)}
	}
	number(parts)
	return join(parts)
}

// ReadFrom reads the trace of one rank.
func ReadFrom(r io.Reader, name string) (*Trace, error) {
	parts, err := readParts(r, name)
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return nil, &Error{File: name, Msg: "no trace in it"}
	}
	number(parts)
	return join(parts)
}

func readFile(path string) ([]*part, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &Error{File: path, Msg: "cannot be read", Err: errors.Unwrap(err)}
	}
	defer f.Close()
	return readParts(f, path)
}

func readParts(r io.Reader, path string) ([]*part, error) {
	var out []*part
	err := members(r, path, func(name string, r *bufio.Reader) error {
		p := &part{rank: Rank{Name: name}}
		var err error
		switch p.groups.Format = detect(r); p.groups.Format {
		case FormatChakra:
			err = p.chakra(r)
		case FormatChakraJSON:
			err = p.chakraJSON(r)
		case FormatKineto:
			err = p.kineto(r)
		case FormatPyTorch:
			err = p.hostOperators(r)
		case FormatLayers:
			err = errors.New("layers of ASTRA-sim or SimAI are no trace of nodes")
		default:
			if name != path {
				return nil // other files of an archive
			}
			err = errors.New("no Chakra trace (protobuf or JSON), PyTorch profiler trace or PyTorch execution trace")
		}
		if err != nil {
			return &Error{File: name, Msg: "cannot be read", Err: err}
		}
		out = append(out, p)
		return nil
	})
	if err != nil {
		var known *Error
		if errors.As(err, &known) {
			return nil, err
		}
		return nil, &Error{File: path, Msg: "cannot be read", Err: err}
	}
	return out, nil
}

var lastNumber = regexp.MustCompile(`(\d+)\D*$`)

// number puts the ranks in order.
func number(parts []*part) {
	seen := map[int]bool{}
	numbers := make([]int, len(parts))
	for i, p := range parts {
		name := filepath.Base(p.rank.Name)
		for _, ext := range []string{".gz", ".zst", ".json", ".et"} {
			name = strings.TrimSuffix(name, ext)
		}
		n := -1
		if m := lastNumber.FindStringSubmatch(name); m != nil {
			n, _ = strconv.Atoi(m[1])
		}
		if n < 0 || n >= maxRanks || seen[n] {
			seen = nil
			break
		}
		seen[n], numbers[i] = true, n
	}
	if seen == nil || len(parts) == 1 {
		for i, p := range parts {
			if len(parts) > 1 || p.rank.Index < 0 {
				p.rank.Index = int32(i)
			}
		}
		return
	}
	for i, p := range parts {
		p.rank.Index = int32(numbers[i])
	}
	slices.SortStableFunc(parts, func(a, b *part) int { return int(a.rank.Index - b.rank.Index) })
}

// join makes one trace of the ranks.
func join(parts []*part) (*Trace, error) {
	t := &Trace{Format: parts[0].groups.Format, Version: parts[0].groups.Version, Device: parts[0].groups.Device, Timed: parts[0].groups.Timed}
	for _, p := range parts {
		if p.groups.Format != t.Format {
			return nil, &Error{File: p.rank.Name, Msg: fmt.Sprintf("is %s, %s is %s: ranks of one job have one format", p.groups.Format, parts[0].rank.Name, t.Format)}
		}
		t.World = max(t.World, p.groups.World)
		to := make([]int32, len(p.groups.Groups))
		for i, g := range p.groups.Groups {
			to[i] = t.group(g.Name, g.Size, g.Ranks)
		}
		for i := range p.rank.Nodes {
			if n := &p.rank.Nodes[i]; n.Kind == Collective {
				n.Group = to[n.Group]
			}
		}
		t.Ranks = append(t.Ranks, p.rank)
		t.merge(p.warnings.list)
	}
	return t, nil
}

// names keeps each name of a rank once.
type names struct {
	at map[string]int32
	r  *Rank
}

func (s *names) of(b []byte) int32 {
	if i, ok := s.at[string(b)]; ok {
		return i
	}
	if s.at == nil {
		s.at = map[string]int32{}
	}
	i := int32(len(s.r.Names))
	s.r.Names = append(s.r.Names, string(b))
	s.at[string(b)] = i
	return i
}
