package ingest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"
)

const (
	maxLine  = 1 << 20 // longest line of a text format
	window   = 64 << 10
	maxDepth = 256 // nesting of JSON
)

// input is a stream with a window to look ahead in and a count of lines. It is a
// buffer rather than a bufio.Reader because the JSON reader works in it in place.
type input struct {
	r    io.Reader
	buf  []byte
	i, n int // what is unread lies in buf[i:n]
	line int // of buf[i], 1 is the first
	read int64
	err  error // of r, io.EOF at the end
}

func newInput(r io.Reader) *input { return &input{r: r, buf: make([]byte, 2*window), line: 1} }

// need makes at least want bytes available if the stream has them, growing the
// buffer if it must; it says how many there are.
func (in *input) need(want int) int {
	for in.n-in.i < want && in.err == nil {
		if in.i > 0 && (in.n == len(in.buf) || in.i == in.n) {
			copy(in.buf, in.buf[in.i:in.n])
			in.n -= in.i
			in.i = 0
		}
		if in.n == len(in.buf) {
			in.buf = append(in.buf, make([]byte, len(in.buf))...)
		}
		var k int
		k, in.err = in.r.Read(in.buf[in.n:])
		in.n += k
		in.read += int64(k)
	}
	return in.n - in.i
}

// peek is up to want of the next bytes.
func (in *input) peek(want int) []byte {
	have := min(in.need(want), want)
	return in.buf[in.i : in.i+have]
}

// take is the next line without its end, valid until the next call. A carriage
// return ends a line too, so that progress that is rewritten in place comes in
// pieces; only line feeds are counted. What is longer than a line may be is cut and
// long is set.
func (in *input) take() (line []byte, long, ok bool) {
	scanned := 0
	for {
		have := in.n - in.i
		part := in.buf[in.i+scanned : in.n]
		end := bytes.IndexByte(part, '\n')
		if end >= 0 {
			part = part[:end]
		}
		if cr := bytes.IndexByte(part, '\r'); cr >= 0 && (end >= 0 || cr+1 < len(part) || in.err != nil) {
			if cr+1 == end { // CR LF
				return in.advance(scanned+cr, 2), long, true
			}
			line = in.buf[in.i : in.i+scanned+cr]
			in.i += scanned + cr + 1
			return line, long, true
		}
		if end >= 0 {
			return in.advance(scanned+end, 1), long, true
		}
		if in.err != nil {
			if have == 0 {
				return nil, false, false
			}
			return in.advance(have, 0), long, true
		}
		if have >= maxLine {
			// keep the head of the line and drop the rest
			head := append([]byte(nil), in.buf[in.i:in.i+4096]...)
			in.i = in.n
			for {
				if in.need(1) == 0 {
					return head, true, true
				}
				if end := bytes.IndexByte(in.buf[in.i:in.n], '\n'); end >= 0 {
					in.i += end + 1
					in.line++
					return head, true, true
				}
				in.i = in.n
			}
		}
		scanned = max(0, have-1) // a CR at the end has to be seen with what follows
		in.need(have + 1)
	}
}

func (in *input) advance(length, end int) []byte {
	line := in.buf[in.i : in.i+length]
	in.i += length + end
	if end > 0 {
		in.line++
	}
	return line
}

// failed is the error that ended the stream, nil for its end.
func (in *input) failed() error {
	if in.err == nil || errors.Is(in.err, io.EOF) {
		return nil
	}
	return in.err
}

// unpack takes off compression and UTF-16, as often as they are there.
func unpack(r io.Reader) (io.Reader, func(), error) {
	closers := []func(){}
	done := func() {
		for _, c := range closers {
			c()
		}
	}
	for range 3 {
		br := bufio.NewReaderSize(r, 64<<10)
		r = br
		head, _ := br.Peek(4)
		switch {
		case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
			z, err := gzip.NewReader(br)
			if err != nil {
				return nil, done, fmt.Errorf("gzip: %w", err)
			}
			r = z
		case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
			z, err := zstd.NewReader(br, zstd.WithDecoderMaxMemory(256<<20), zstd.WithDecoderConcurrency(1))
			if err != nil {
				return nil, done, fmt.Errorf("zstd: %w", err)
			}
			closers = append(closers, z.Close)
			r = z
		case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
			big := head[0] == 0xfe
			_, _ = br.Discard(2)
			return &utf16Reader{r: br, big: big}, done, nil
		case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
			_, _ = br.Discard(3)
			return br, done, nil
		default:
			return br, done, nil
		}
	}
	return r, done, nil
}

// utf16Reader decodes what PowerShell's redirection writes.
type utf16Reader struct {
	r    *bufio.Reader
	big  bool
	left []byte
	high rune
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.left) < len(p) && len(u.left) < 4096 {
		var two [2]byte
		if _, err := io.ReadFull(u.r, two[:]); err != nil {
			if len(u.left) > 0 {
				break
			}
			return 0, io.EOF
		}
		c := rune(two[0]) | rune(two[1])<<8
		if u.big {
			c = rune(two[1]) | rune(two[0])<<8
		}
		if u.high != 0 {
			c, u.high = utf16.DecodeRune(u.high, c), 0
		} else if c >= 0xd800 && c < 0xdc00 {
			u.high = c
			continue
		}
		u.left = append(u.left, string(c)...)
	}
	k := copy(p, u.left)
	u.left = u.left[:copy(u.left, u.left[k:])]
	return k, nil
}
