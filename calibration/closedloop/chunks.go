package closedloop

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"

	"aisim/calibration/probe"
)

// chunkBytes is what the pipeline handles at once, textBytes the file that it reads.
const (
	chunkBytes = 160 << 10
	textBytes  = 40 * chunkBytes
)

// chunks is the pipeline: disk, zstd, AES-256-GCM, loopback connection.
type chunks struct {
	file   *probe.File
	chunk  chunk
	pack   func(dst, src []byte) []byte
	seal   func(dst, src []byte) []byte
	listen net.Listener
	conn   net.Conn
	at     int64
}

// chunk is a part of the text on its way.
type chunk struct{ text, packed, sealed []byte }

func newChunks(dir string) (*chunks, error) {
	c := &chunks{chunk: chunk{text: probe.Aligned(chunkBytes)}}
	var err error
	if c.pack, err = probe.Packer(); err != nil {
		return nil, err
	}
	if c.seal, err = probe.Sealer(); err != nil {
		return nil, err
	}
	if c.file, err = probe.OpenFile(filepath.Join(dir, "aisim-loop-text.dat"), os.O_RDWR|os.O_CREATE|os.O_EXCL); err != nil {
		return nil, err
	}
	text := probe.Text(23, textBytes) // another seed than the probe's
	for at := 0; at < textBytes && err == nil; at += chunkBytes {
		copy(c.chunk.text, text[at:])
		_, err = c.file.WriteAt(c.chunk.text, int64(at))
	}
	if err = errors.Join(err, c.file.Sync()); err != nil {
		return nil, errors.Join(err, c.close())
	}
	if c.listen, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, errors.Join(err, c.close())
	}
	go receive(c.listen)
	if c.conn, err = net.Dial("tcp", c.listen.Addr().String()); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// receive takes messages of a length and so many bytes, and answers each with a byte.
func receive(l net.Listener) {
	conn, err := l.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	buf := make([]byte, chunkBytes*2)
	for {
		if _, err := io.ReadFull(conn, buf[:4]); err != nil {
			return
		}
		n := int(buf[0]) | int(buf[1])<<8 | int(buf[2])<<16 | int(buf[3])<<24
		if n > len(buf) {
			return
		}
		if _, err := io.ReadFull(conn, buf[:n]); err != nil {
			return
		}
		if _, err := conn.Write(buf[:1]); err != nil {
			return
		}
	}
}

func (c *chunks) close() error {
	err := errors.Join(c.file.Close(), os.Remove(c.file.Name()))
	if c.conn != nil {
		err = errors.Join(err, c.conn.Close())
	}
	if c.listen != nil {
		err = errors.Join(err, c.listen.Close())
	}
	return err
}

func (c *chunks) read(k *chunk) error {
	_, err := c.file.ReadAt(k.text, c.at)
	c.at = (c.at + chunkBytes) % textBytes
	return err
}

// protect compresses and encrypts the chunk in hand.
func (c *chunks) protect(k *chunk) {
	k.packed = c.pack(k.packed[:0], k.text)
	k.sealed = c.seal(k.sealed[:0], k.packed)
}

func (c *chunks) send(k *chunk) error {
	n := len(k.sealed)
	k.packed = append(append(k.packed[:0], byte(n), byte(n>>8), byte(n>>16), byte(n>>24)), k.sealed...)
	if _, err := c.conn.Write(k.packed); err != nil {
		return err
	}
	_, err := io.ReadFull(c.conn, k.text[:1])
	return err
}

// pass takes the whole text the whole way, one chunk after the other.
func (c *chunks) pass(lap func(name string, f func() error) error) error {
	k := &c.chunk
	for range textBytes / chunkBytes {
		err := lap(oneChunk, func() error {
			if err := c.read(k); err != nil {
				return err
			}
			if err := lap(protect, func() error { c.protect(k); return nil }); err != nil {
				return err
			}
			return c.send(k)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// overlap takes the whole text the whole way with a goroutine for each of reading, compressing,
// and encrypting and sending; one chunk may wait between two.
func (c *chunks) overlap() error {
	free, read, packed := make(chan *chunk, 5), make(chan *chunk, 1), make(chan *chunk, 1)
	for range cap(free) {
		free <- &chunk{text: probe.Aligned(chunkBytes)}
	}
	var work sync.WaitGroup
	var failed error
	stop := make(chan struct{})
	var once sync.Once
	fail := func(err error) { once.Do(func() { failed = err; close(stop) }) }
	pass := func(to chan<- *chunk, k *chunk) bool {
		select {
		case to <- k:
			return true
		case <-stop:
			return false
		}
	}
	work.Go(func() {
		defer close(read)
		for range textBytes / chunkBytes {
			var k *chunk
			select {
			case k = <-free:
			case <-stop:
				return
			}
			if err := c.read(k); err != nil {
				fail(err)
				return
			}
			if !pass(read, k) {
				return
			}
		}
	})
	work.Go(func() {
		defer close(packed)
		for k := range read {
			k.packed = c.pack(k.packed[:0], k.text)
			if !pass(packed, k) {
				return
			}
		}
	})
	work.Go(func() {
		for k := range packed {
			k.sealed = c.seal(k.sealed[:0], k.packed)
			if err := c.send(k); err != nil {
				fail(err)
				return
			}
			free <- k
		}
	})
	work.Wait()
	return failed
}
