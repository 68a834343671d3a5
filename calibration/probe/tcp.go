package probe

import (
	"fmt"
	"io"
	"net"

	"aisim/calibration/ingest"
)

// tcpSizes are the messages that are sent over the loopback interface.
var tcpSizes = []int{1 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20}

// tcpPaceSec is what is computed between two messages.
const tcpPaceSec = 1e-3

// tcpTasks send a message over one loopback connection and wait for a byte back. A host without
// a loopback interface has none.
func tcpTasks() ([]*Task, error) {
	var out []*Task
	for _, size := range tcpSizes {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return out, fmt.Errorf("loopback TCP: %w", err)
		}
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			buf := make([]byte, size)
			for {
				if _, err := io.ReadFull(c, buf); err != nil {
					return
				}
				if _, err := c.Write(buf[:1]); err != nil {
					return
				}
			}
		}()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			l.Close()
			return out, fmt.Errorf("loopback TCP: %w", err)
		}
		msg, ack := make([]byte, size), make([]byte, 1)
		out = append(out, &Task{Name: fmt.Sprintf("tcp_loopback %d B", size), Single: true, Before: pace(tcpPaceSec),
			Run: func() error {
				if _, err := c.Write(msg); err != nil {
					return err
				}
				_, err := io.ReadFull(c, ack)
				return err
			},
			Close: func() { c.Close(); l.Close() },
			Body: func(t Timing) ingest.Body {
				return &ingest.Link{Op: OpTCP, From: "localhost", To: "localhost", Transport: "tcp", Bytes: ingest.Is(float64(size)),
					BytesPerSec: ingest.Is(float64(size) / t.Sec), LatencyDistSec: t.dist()}
			}})
	}
	return out, nil
}
