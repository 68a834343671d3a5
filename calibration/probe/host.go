package probe

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"aisim/calibration/ingest"
	"aisim/sim"
)

// Names of the host operations, as records and profiles have them.
const (
	OpAES  = "aes-256-gcm"
	OpSHA  = "sha-256"
	OpZstd = "zstd"
	OpTCP  = "tcp_loopback"
	// Float64 values out of the bytes of a file, and into them; bytes are those of one side.
	OpDecode = "decode_float64"
	OpEncode = "encode_float64"
	// A synced file, opened and written whole, on a disk that has rested.
	OpRested = "write_file_rested"
	// The same right behind another one.
	OpBehind = "write_file_behind"
	// A pointer given to a thread that waits on another processor.
	OpHandOff = "hand_off"
)

// hostRecord is a host operation over bytes as a record.
func hostRecord(name string, bytes int, t Timing) *ingest.Kernel {
	return &ingest.Kernel{Name: name, Class: "host", Bytes: ingest.Is(float64(bytes)), DurationSec: ingest.Is(t.Sec), BytesPerSec: ingest.Is(float64(bytes) / t.Sec), More: t.more()}
}

// waitSec is how long the thread sleeps before a cipher, digest or compressor works: what they work on
// comes from a disk or a network, and a thread that waited finds its caches cooler.
const waitSec = 0.2e-3

// hostSizes are the sizes that host operations are measured at.
var hostSizes = []int{4 << 10, 16 << 10, 64 << 10, 128 << 10, 256 << 10, 1 << 20}

func hostTasks() ([]*Task, error) {
	seal, err := Sealer()
	if err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	pack, err := Packer()
	if err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	var out []*Task
	add := func(name string, size int, run func(dst, src []byte) []byte) {
		src := text(1, max(size, workingSet))
		var dst []byte
		at, packed := 0, 0
		out = append(out, &Task{Name: fmt.Sprintf("%s %d B", name, size), Single: true, Before: func(func(float64)) { time.Sleep(waitSec * 1e9) },
			Run: func() error {
				if at+size > len(src) {
					at = 0
				}
				dst = run(dst[:0], src[at:at+size])
				packed = len(dst)
				at += size
				return nil
			},
			Body: func(t Timing) ingest.Body {
				k := hostRecord(name, size, t)
				if name == OpZstd {
					k.More = append(k.More, ingest.Field{Name: "compression_ratio", Value: ingest.Is(float64(size) / float64(packed))})
				}
				return k
			}})
	}
	for _, size := range hostSizes {
		add(OpAES, size, seal)
		add(OpSHA, size, func(dst, src []byte) []byte { sum := sha256.Sum256(src); return append(dst, sum[:]...) })
		add(OpZstd, size, pack)
	}
	return slices.Concat(out, serialTasks(), handOffTasks()), nil
}

// HandOffBytes is what is handed off: a pointer.
const HandOffBytes = 8

// handOffTasks give a pointer to a goroutine that waits, after computing, with all processors; a
// machine of one has none.
func handOffTasks() []*Task {
	if runtime.NumCPU() < 2 {
		return nil
	}
	to, back := make(chan *int), make(chan *int)
	go func() {
		for v := range to {
			back <- v
		}
	}()
	procs := 0
	return []*Task{{Name: OpHandOff, Single: true,
		Before: func(compute func(float64)) { procs = runtime.GOMAXPROCS(runtime.NumCPU()); compute(1e-3) },
		Run:    func() error { to <- nil; return nil },
		After:  func() { <-back; runtime.GOMAXPROCS(procs) },
		Close:  func() { close(to) },
		Body:   func(t Timing) ingest.Body { return hostRecord(OpHandOff, HandOffBytes, t) }}}
}

// serialSizes are how many bytes of values are taken out of a file or put into it.
var serialSizes = []int{64 << 10, 256 << 10, 1 << 20}

func serialTasks() []*Task {
	var out []*Task
	for _, size := range serialSizes {
		count := max(2, workingSet/size)
		values, bytes := numbers64(count*size/8), make([]byte, count*size)
		Encode(bytes, values)
		at := 0
		add := func(name string, run func(bytes []byte, values []float64)) {
			out = append(out, &Task{Name: fmt.Sprintf("%s %d B", name, size),
				Run: func() error {
					i := at % count
					at++
					run(bytes[i*size:(i+1)*size], values[i*size/8:(i+1)*size/8])
					return nil
				},
				Body: func(t Timing) ingest.Body { return hostRecord(name, size, t) }})
		}
		add(OpDecode, func(b []byte, v []float64) { Decode(v, b) })
		add(OpEncode, func(b []byte, v []float64) { Encode(b, v) })
	}
	return out
}

// Decode takes values out of bytes as files have them.
func Decode(to []float64, from []byte) {
	for i := range to {
		to[i] = math.Float64frombits(binary.LittleEndian.Uint64(from[8*i:]))
	}
}

// Encode puts values into bytes as files have them.
func Encode(to []byte, from []float64) {
	for i, v := range from {
		binary.LittleEndian.PutUint64(to[8*i:], math.Float64bits(v))
	}
}

// Sealer encrypts and authenticates with AES-256-GCM. The key and nonce are of a measurement and
// protect nothing.
func Sealer() (func(dst, src []byte) []byte, error) {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, gcm.NonceSize())
	return func(dst, src []byte) []byte { return gcm.Seal(dst, nonce, src, nil) }, nil
}

// Packer compresses with zstd at its default level on one thread.
func Packer() (func(dst, src []byte) []byte, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return func(dst, src []byte) []byte { return enc.EncodeAll(src, dst) }, nil
}

// text is made of words of a vocabulary that are drawn by Zipf's law, as in prose; zstd makes
// about a third of it.
func text(seed uint64, n int) []byte {
	s := sim.NewStream(seed, "probe/text")
	words := make([][]byte, 4096)
	for i := range words {
		w := make([]byte, 2+s.Intn(9))
		for j := range w {
			w[j] = byte('a' + s.Intn(26))
		}
		words[i] = append(w, ' ')
	}
	out := make([]byte, 0, n+16)
	for len(out) < n {
		// The inverse of the cumulative 1/rank over 4,096 ranks is near 4096^u.
		u := s.Float64()
		rank := 1
		for x := u * 12; x >= 1; x-- {
			rank *= 2
		}
		out = append(out, words[(rank-1+s.Intn(rank))%len(words)]...)
	}
	return out[:n]
}

// Text is a fresh text for a target that the probe has not seen.
func Text(seed uint64, n int) []byte { return text(seed, n) }
