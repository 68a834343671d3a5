package closedloop

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"

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
	buf    []byte
	pack   func(dst, src []byte) []byte
	seal   func(dst, src []byte) []byte
	packed []byte
	sealed []byte
	listen net.Listener
	conn   net.Conn
	at     int64
}

func newChunks(dir string) (*chunks, error) {
	c := &chunks{buf: probe.Aligned(chunkBytes)}
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
		copy(c.buf, text[at:])
		_, err = c.file.WriteAt(c.buf, int64(at))
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

func (c *chunks) read() error {
	_, err := c.file.ReadAt(c.buf, c.at)
	c.at = (c.at + chunkBytes) % textBytes
	return err
}

func (c *chunks) send() error {
	n := len(c.sealed)
	msg := append(c.packed[:0], byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	c.packed = append(msg, c.sealed...)
	if _, err := c.conn.Write(c.packed); err != nil {
		return err
	}
	_, err := io.ReadFull(c.conn, c.buf[:1])
	return err
}

// protect compresses and encrypts the chunk in hand.
func (c *chunks) protect() {
	c.packed = c.pack(c.packed[:0], c.buf)
	c.sealed = c.seal(c.sealed[:0], c.packed)
}

// pass takes one chunk the whole way.
func (c *chunks) pass() error {
	if err := c.read(); err != nil {
		return err
	}
	c.protect()
	return c.send()
}

// inMemory protects one chunk after the other of the text without disk or connection.
func (c *chunks) inMemory() func() error {
	text := probe.Text(23, textBytes)
	at := 0
	return func() error {
		copy(c.buf, text[at:at+chunkBytes])
		at = (at + chunkBytes) % textBytes
		c.protect()
		return nil
	}
}
