package trace

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Decompressed returns r, or a decompressing reader around it when it begins
// with the mark of gzip or Zstandard, and what closes it.
func Decompressed(r io.Reader) (io.Reader, func(), error) {
	br := bufio.NewReaderSize(r, 1<<16)
	head, _ := br.Peek(4)
	switch {
	case len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b:
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, nil, fmt.Errorf("gzip: %w", err)
		}
		return z, func() { _ = z.Close() }, nil
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(br, zstd.WithDecoderMaxMemory(256<<20), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, fmt.Errorf("zstd: %w", err)
		}
		return z, z.Close, nil
	}
	return br, func() {}, nil
}

// lines walks over a text line by line with a limit on their length.
type lines struct {
	file string
	r    *bufio.Reader
	max  int
	no   int // number of the line last returned, from 1
	long []byte
}

func newLines(file string, r io.Reader, max int) *lines {
	return &lines{file: file, r: bufio.NewReaderSize(r, 1<<16), max: max}
}

// next returns the next line without its end; it is valid until the next call.
// At the end it returns io.EOF.
func (l *lines) next() ([]byte, error) {
	l.no++
	b, err := l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		l.long = append(l.long[:0], b...)
		for errors.Is(err, bufio.ErrBufferFull) {
			if len(l.long) > l.max {
				return nil, l.errorf("line is longer than %d bytes", l.max)
			}
			b, err = l.r.ReadSlice('\n')
			l.long = append(l.long, b...)
		}
		b = l.long
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, &Error{File: l.file, Line: l.no, Msg: "cannot be read (truncated or damaged?)", Err: err}
	}
	if len(b) == 0 && err != nil {
		return nil, io.EOF
	}
	if len(b) > l.max {
		return nil, l.errorf("line is longer than %d bytes", l.max)
	}
	b = bytes.TrimSuffix(b, []byte("\n"))
	return bytes.TrimSuffix(b, []byte("\r")), nil
}

func (l *lines) errorf(format string, args ...any) error {
	return &Error{File: l.file, Line: l.no, Msg: fmt.Sprintf(format, args...)}
}

// excerpt quotes the beginning of a field for a message.
func excerpt(b []byte) string {
	const most = 40
	if len(b) > most {
		return fmt.Sprintf("%q…", b[:most])
	}
	return fmt.Sprintf("%q", b)
}

// Format names a layout.
type Format string

// The layouts that are read.
const (
	Azure    Format = "azure"
	Mooncake Format = "mooncake"
	BurstGPT Format = "burstgpt"
	Requests Format = "requests" // a log of requests as they were answered, see ReadLog
)

// Formats lists the layouts.
func Formats() []string {
	return []string{string(Azure), string(Mooncake), string(BurstGPT), string(Requests)}
}

// told is the layout that a file begins like: JSON with a hash or an input_length is
// Mooncake's, a CSV has the header of Azure or BurstGPT; other JSON, and a CSV that names
// its columns otherwise, is a log of requests. What is neither is left to Azure's reader.
func told(head []byte) Format {
	t := bytes.TrimLeft(head, " \t\r\n\ufeff")
	line, _, _ := bytes.Cut(t, []byte{'\n'})
	has := func(words ...string) bool {
		for _, w := range words {
			if bytes.Contains(bytes.ToLower(line), []byte(w)) {
				return true
			}
		}
		return false
	}
	switch {
	case len(t) == 0:
		return Azure
	case t[0] == '{' && has("hash_ids", "\"input_length\""):
		return Mooncake
	case t[0] == '{' && has("queued", "arriv", "ttft", "metadata", "input_lens", "benchmarks", "prompt_tokens", "input_toks", "start_time"), t[0] == '[' && has("prompt", "input", "arriv"):
		return Requests
	case t[0] == '{':
		return Mooncake
	case has("request tokens"):
		return BurstGPT
	case has("contexttokens"):
		return Azure
	case has("prompt_", "input_", "output_") && has(","):
		return Requests
	}
	return Azure
}

// ReadFile reads the trace at path. An empty format is told from its beginning.
func ReadFile(path string, format Format, lim Limits) (*Trace, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	defer f.Close()
	return Read(f, path, format, lim)
}

// Read reads a trace from r; name is used in messages.
func Read(r io.Reader, name string, format Format, lim Limits) (*Trace, error) {
	z, done, err := Decompressed(r)
	if err != nil {
		return nil, &Error{File: name, Line: 1, Msg: "compressed input cannot be read", Err: err}
	}
	defer done()
	br := bufio.NewReaderSize(z, 1<<16)
	if format == "" {
		head, _ := br.Peek(4096)
		format = told(head)
	}
	switch format {
	case Azure:
		return readAzure(br, name, lim.orDefault())
	case Mooncake:
		return readMooncake(br, name, lim.orDefault())
	case BurstGPT:
		return readBurstGPT(br, name, lim.orDefault())
	case Requests:
		l, err := ReadLog(br, name, lim)
		if err != nil {
			return nil, err
		}
		if err := l.timed(); err != nil {
			return nil, err
		}
		return l.Trace(), nil
	}
	return nil, fmt.Errorf("trace: unknown format %q: expected one of %s", format, strings.Join(Formats(), ", "))
}

// ReadAzure reads an Azure LLM inference trace, layout of 2023 or 2024.
func ReadAzure(r io.Reader, name string, lim Limits) (*Trace, error) {
	return Read(r, name, Azure, lim)
}

// ReadMooncake reads a Mooncake JSONL trace with its prefix hashes.
func ReadMooncake(r io.Reader, name string, lim Limits) (*Trace, error) {
	return Read(r, name, Mooncake, lim)
}
