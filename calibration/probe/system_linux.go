package probe

import (
	"os"
	"syscall"
)

// openDirect opens past the page cache, or through it where the file system cannot.
func openDirect(path string, flag int) (f *os.File, direct bool, err error) {
	if f, err = os.OpenFile(path, flag|syscall.O_DIRECT, 0o600); err == nil {
		return f, true, nil
	}
	f, err = os.OpenFile(path, flag, 0o600)
	return f, false, err
}

// capacityOf is the size of the file system that dir lies on in bytes.
func capacityOf(dir string) float64 {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0
	}
	return float64(s.Blocks) * float64(s.Bsize)
}

// Interrupts counts how often the system took a processor from this process.
func Interrupts() int64 {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return r.Nivcsw
}
