package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// listen starts to receive the signals that ask for an early end.
func listen() (<-chan os.Signal, func()) {
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	return ch, func() { signal.Stop(ch) }
}

// interrupted is the cause of a context that a signal ended.
type interrupted struct{ code int }

func (i *interrupted) Error() string {
	if i.code == exitTerminated {
		return "terminated"
	}
	return "interrupted"
}

func interruption(s os.Signal) *interrupted {
	if s == syscall.SIGTERM {
		return &interrupted{exitTerminated}
	}
	return &interrupted{exitInterrupt}
}

// interruptible is a context that the first signal cancels; the second ends the
// process. The function must be called when the work is over.
func (p *program) interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals, stop := p.signals()
	over := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case s := <-signals:
				why := interruption(s)
				if n > 0 {
					p.kill(why.code)
				}
				p.note("%s: what is done will be written; once more ends at once", why)
				cancel(why)
			case <-over:
				return
			}
		}
	}()
	return ctx, func() {
		stop()
		close(over)
		cancel(nil)
	}
}

// interruptOf is the signal that ended a context, or nil.
func interruptOf(ctx context.Context) *interrupted {
	var why *interrupted
	if errors.As(context.Cause(ctx), &why) {
		return why
	}
	return nil
}
