//go:build !linux

package probe

import "os"

// openDirect opens through the page cache: this system has no flag to go past it.
func openDirect(path string, flag int) (f *os.File, direct bool, err error) {
	f, err = os.OpenFile(path, flag, 0o600)
	return f, false, err
}

// capacityOf is not known on this system; 0 leaves it out.
func capacityOf(string) float64 { return 0 }

// Interrupts are not counted on this system.
func Interrupts() int64 { return 0 }
