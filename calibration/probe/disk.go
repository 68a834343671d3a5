package probe

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"aisim/calibration/ingest"
	"aisim/sim"
)

// Sizes of the disk tasks: a file, the largest block and random ones.
const (
	fileBytes   = 64 << 20
	blockBytes  = 1 << 20
	randomBytes = 4 << 10
)

// What is read and written in sequence.
var (
	readSizes  = []int{64 << 10, 128 << 10, 256 << 10, 512 << 10, blockBytes}
	writeSizes = []int{128 << 10, 256 << 10, blockBytes}
)

// What is computed between two accesses: a loader reads as often as a step or an item takes. Synced
// writes come in series, as the files of a checkpoint, each made in memory before it is written: the
// first of a series finds a disk that has rested, the second one that is not yet awake.
const (
	readPaceSec  = 2e-3
	writePaceSec = 0.5e-3
	restSec      = 50e-3
)

// Aligned is a buffer that reads and writes past the page cache can use.
func Aligned(n int) []byte {
	const page = 4096
	b := make([]byte, n+page)
	skip := page - int(uintptr(unsafe.Pointer(&b[0]))%page)
	return b[skip : skip+n : skip+n]
}

// File is a file that is read and written past the page cache where the system can.
type File struct {
	*os.File
	Direct bool
}

// OpenFile opens or makes a file past the page cache.
func OpenFile(path string, flag int) (*File, error) {
	f, direct, err := openDirect(path, flag)
	if err != nil {
		return nil, err
	}
	return &File{f, direct}, nil
}

// WriteFile writes a file whole, past the page cache where the system can, over what it held before;
// it is on the device when it returns.
func WriteFile(path string, data []byte) error {
	f, err := OpenFile(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	return errors.Join(err, f.Sync(), f.Close())
}

// diskTasks measure the disk that dir lies on with files of their own, one access at a time:
// sequential blocks, random 4 KiB, and writes that are on the device when they end.
func diskTasks(dir string) ([]*Task, error) {
	path := filepath.Join(dir, "aisim-probe.dat")
	f, err := OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, err
	}
	buf := Aligned(blockBytes)
	copy(buf, text(2, blockBytes))
	for at := int64(0); at < fileBytes; at += blockBytes {
		if _, err := f.WriteAt(buf, at); err != nil {
			return nil, errors.Join(err, f.Close(), os.Remove(path))
		}
	}
	if err := f.Sync(); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	where := sim.NewStream(3, "probe/disk")
	next := int64(0)
	advance := func() int64 {
		at := next
		next = (next + blockBytes) % fileBytes
		return at
	}
	small := buf[:randomBytes]
	random := func() int64 { return int64(where.Intn(fileBytes/randomBytes)) * randomBytes }
	record := func(op, pattern string, block float64) func(Timing) ingest.Body {
		return func(t Timing) ingest.Body {
			more := append(t.more(), ingest.Field{Name: "capacity_bytes", Value: ingest.Is(capacityOf(dir))})
			return &ingest.Storage{Job: "probe", Op: op, Pattern: pattern, Engine: map[bool]string{true: "direct", false: "page cache"}[f.Direct], Target: dir,
				BlockBytes: ingest.Is(block), QueueDepth: ingest.Is(1), Workers: ingest.Is(1), OpsPerSec: ingest.Is(1 / t.Sec), BytesPerSec: ingest.Is(block / t.Sec),
				LatencySec: t.dist(), More: more}
		}
	}
	read := func(b []byte, at func() int64) func() error {
		return func() error {
			if !f.Direct {
				return fmt.Errorf("this file system is read through the page cache: measure it with fio")
			}
			_, err := f.ReadAt(b, at())
			return err
		}
	}
	write := func(b []byte, at func() int64) func() error {
		return func() error {
			if _, err := f.WriteAt(b, at()); err != nil {
				return err
			}
			return f.Sync()
		}
	}
	tasks := []*Task{
		{Name: "disk read 4 KiB random", Single: true, Before: pace(readPaceSec), Body: record("read", "randread", randomBytes), Run: read(small, random), Close: func() { f.Close(); os.Remove(path); os.Remove(path + ".new"); os.Remove(path + ".next") }},
		{Name: "disk write 4 KiB random, each synced", Single: true, Before: pace(writePaceSec), Body: record("write", "randwrite", randomBytes), Run: write(small, random)},
	}
	for _, size := range readSizes {
		tasks = append(tasks, &Task{Name: fmt.Sprintf("disk read %d KiB blocks", size>>10), Single: true, Before: pace(readPaceSec),
			Body: record("read", "read", float64(size)), Run: read(buf[:size], advance)})
	}
	for _, size := range writeSizes {
		block := buf[:size]
		tasks = append(tasks,
			&Task{Name: fmt.Sprintf("disk write %d KiB blocks, each synced", size>>10), Single: true, Before: pace(writePaceSec), Body: record("write", "write", float64(size)), Run: write(block, advance)},
			&Task{Name: fmt.Sprintf("%s %d KiB, synced", OpRested, size>>10), Single: true, Before: pace(restSec), Run: func() error { return WriteFile(path+".new", block) },
				Body: func(t Timing) ingest.Body { return hostRecord(OpRested, size, t) }},
			&Task{Name: fmt.Sprintf("%s %d KiB, synced", OpBehind, size>>10), Single: true, Before: func(compute func(float64)) {
				compute(restSec)
				_ = WriteFile(path+".new", block) // what fails here fails in Run
				compute(writePaceSec)
			}, Run: func() error { return WriteFile(path+".next", block) },
				Body: func(t Timing) ingest.Body { return hostRecord(OpBehind, size, t) }})
	}
	return tasks, nil
}
