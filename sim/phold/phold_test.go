package phold

import (
	"testing"

	"aisim/sim"
)

// The counts and hashes are those of independent C++ and Go programs with
// plain heaps (shared bench, PHOLD), for the same model.
func TestHashEqualsReferencePrograms(t *testing.T) {
	for _, c := range []struct {
		config Config
		events uint64
		hash   uint64
	}{
		{Config{}, 3263927, 0x6040eb177cc227b6},
		{Config{LPs: 1024, End: 2000}, 2058655, 0xee6100a395946ed5},
	} {
		for _, queue := range []sim.Queue{sim.Ring, sim.Heap} {
			for _, workers := range []int{1, 2, 4} {
				if queue == sim.Heap && workers > 1 || testing.Short() && workers != 2 {
					continue // TestHashDoesNotDependOnExecution covers these on small cases
				}
				c.config.Queue, c.config.Workers = queue, workers
				r, err := Run(c.config)
				if err != nil {
					t.Fatal(err)
				}
				if r.Events != c.events || r.Hash != c.hash {
					t.Errorf("%+v: %d events, hash %016x, want %d, %016x", c.config, r.Events, r.Hash, c.events, c.hash)
				}
			}
		}
	}
}

func TestHashDoesNotDependOnExecution(t *testing.T) {
	base := Config{LPs: 512, EventsPerLP: 4, End: 13.37, Partitions: 1, Workers: 1, Queue: sim.Heap}
	want, err := Run(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, queue := range []sim.Queue{sim.Ring, sim.Heap} {
		for _, workers := range []int{1, 2, 4} {
			for _, partitions := range []int{1, 2, 7, 64} {
				c := base
				c.Queue, c.Workers, c.Partitions = queue, workers, partitions
				got, err := Run(c)
				if err != nil {
					t.Fatal(err)
				}
				if got.Hash != want.Hash || got.Events != want.Events {
					t.Errorf("queue %d, %d workers, %d partitions: hash %016x, want %016x", queue, workers, partitions, got.Hash, want.Hash)
				}
			}
		}
	}
}

func TestImpossibleConfig(t *testing.T) {
	for _, c := range []Config{
		{LPs: -1}, {EventsPerLP: -1}, {End: -1}, {Remote: 1.5}, {Mean: 0.05}, {Lookahead: -0.1},
		{LPs: 4, Partitions: 5}, {Workers: -1}, {End: 1e30},
	} {
		if _, err := Run(c); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}
