package probe

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"fmt"

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
)

// hostSizes are the sizes that host operations are measured at.
var hostSizes = []int{4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20}

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
		out = append(out, &Task{Name: fmt.Sprintf("%s %d B", name, size),
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
				k := &ingest.Kernel{Name: name, Class: "host", Bytes: ingest.Is(float64(size)), DurationSec: ingest.Is(t.Sec), BytesPerSec: ingest.Is(float64(size) / t.Sec), More: t.more()}
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
	return out, nil
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
