package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// plainEvery is how often a plain line is written where no bar can be drawn.
var plainEvery = 10 * time.Second

// progress shows on stderr how far a run is: a bar on a terminal, otherwise a plain
// line every ten seconds. It is safe for concurrent use.
type progress struct {
	mu    sync.Mutex
	to    io.Writer
	bar   *progressbar.ProgressBar // nil: plain lines
	every time.Duration
	start time.Time
	last  time.Time
	most  int
}

func newProgress(to io.Writer) *progress {
	now := time.Now()
	g := &progress{to: to, every: plainEvery, start: now, last: now}
	if drawable(to) {
		g.bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(to), progressbar.OptionSetWidth(30),
			progressbar.OptionSetDescription("simulating"), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(), progressbar.OptionShowCount())
	}
	return g
}

// drawable says whether a bar can be redrawn there: a terminal that moves its cursor
// and that a person looks at.
func drawable(to io.Writer) bool {
	f, ok := to.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" && os.Getenv("CI") == ""
}

// update says that done of total parts are done. Workers may report out of order.
func (g *progress) update(done, total int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if done < g.most || total <= 0 {
		return
	}
	g.most = done
	if g.bar != nil {
		if g.bar.GetMax() != total {
			g.bar.ChangeMax(total)
		}
		_ = g.bar.Set(done)
		return
	}
	if now := time.Now(); now.Sub(g.last) >= g.every {
		g.last = now
		fmt.Fprintf(g.to, "aisim: %d of %d simulations done after %.0f s\n", done, total, now.Sub(g.start).Seconds())
	}
}

// end clears the bar so that the next line starts clean.
func (g *progress) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.bar != nil {
		_ = g.bar.Clear()
	}
}
