package scenarios

import "testing"

// Every key of Lustre and Gluster moves what it should, in its direction.
func TestFileServerKeys(t *testing.T) {
	type move = func(*Future) float64
	seconds := func(use string) move {
		return func(f *Future) float64 {
			for _, m := range f.Moves {
				if m.Use == use {
					p, err := f.Stores[m.Store].Run(m.Op, m.Clients, 1e10, m.Object)
					if err != nil {
						t.Fatal(err)
					}
					return p.Seconds
				}
			}
			t.Fatalf("no %s", use)
			return 0
		}
	}
	write, restore, read := seconds("checkpoint"), seconds("restore"), seconds("dataset")
	free := func(k int) move { return func(f *Future) float64 { return f.Stores[k].Capacity().FreeBytes } }
	play := func(sets []string) *Future { return playedFuture(t, "testdata/valid/lustre.toml", sets...) }
	const wide, slow = "storage.home.per_client=1000 GB/s", "storage.home.nics={count=1,speed=\"10 Gb/s\"}"
	both := func(a, b string) []string { return []string{a, b} }
	for _, c := range []struct {
		base, sets []string
		more       bool
		figure     move
	}{
		{nil, []string{"storage.scratch.nodes=2"}, true, write},
		{nil, []string{"storage.scratch.nics={count=1,speed=\"100 Gb/s\"}"}, true, write},
		{nil, []string{"storage.scratch.nics={count=1,speed=\"100 Gb/s\"}"}, true, restore},
		{nil, []string{"storage.scratch.drives.type=hdd-7200-nl-20tb"}, true, restore},
		{nil, []string{"storage.scratch.pool.profile=raid1-1+1"}, false, free(0)},
		{nil, []string{"storage.scratch.drives.per_node=10"}, false, free(0)},
		{nil, []string{"storage.scratch.fill=0.5"}, false, free(0)},
		{nil, []string{"storage.scratch.per_client=1 GB/s"}, true, write},
		{nil, []string{"storage.scratch.file_size=64 KiB"}, true, write},
		{[]string{"storage.scratch.file_size=64 KiB"}, both("storage.scratch.file_size=64 KiB", "storage.scratch.metadata.servers=1"), true, write},
		{[]string{"storage.scratch.file_size=64 KiB"}, both("storage.scratch.file_size=64 KiB", "storage.scratch.metadata.rate=25 k/s"), true, write},
		{[]string{"storage.scratch.drives.type=hdd-7200-nl-20tb", "storage.scratch.nodes=40"}, []string{"storage.scratch.drives.type=hdd-7200-nl-20tb", "storage.scratch.nodes=40", "storage.scratch.stripe.count=1"}, true, write},
		{[]string{"storage.scratch.drives.type=hdd-7200-nl-20tb", "storage.scratch.nodes=40"}, []string{"storage.scratch.drives.type=hdd-7200-nl-20tb", "storage.scratch.nodes=40", "storage.scratch.stripe.size=4 GiB"}, true, write},
		{[]string{slow, wide}, []string{slow, wide, "storage.home.nodes=6"}, false, read},
		{[]string{wide}, []string{wide, slow}, true, read},
		{nil, []string{"storage.home.per_client=1 GB/s"}, true, read},
		{[]string{wide}, []string{wide, "storage.home.file_size=16 KiB"}, true, read},
		{nil, []string{"storage.home.pool.profile=rep-2"}, true, free(1)},
		{nil, []string{"storage.home.pool.profile=ec-2+1"}, true, free(1)},
		{nil, []string{"storage.home.drives.type=hdd-7200-nl-20tb"}, true, read},
	} {
		got, was := c.figure(play(c.sets)), c.figure(play(c.base))
		if got == was || (got > was) != c.more {
			t.Errorf("%v: from %g to %g, want more: %v", c.sets, was, got, c.more)
		}
	}
}

// A checkpoint to Gluster crosses the clients' ports once per copy.
func TestGlusterCopiesCrossTheClients(t *testing.T) {
	seconds := func(profile string) float64 {
		f := playedFuture(t, "testdata/valid/lustre.toml", "workload.train.checkpoint.to=home", "storage.home.file_size=1 TiB", "storage.home.drives.per_node=24",
			"storage.home.nodes=120", "storage.home.per_client=1000 GB/s", "storage.home.pool.profile="+profile)
		var links float64
		for _, m := range f.Moves {
			if m.Use == "checkpoint" {
				stages, err := f.Stores[m.Store].Ceilings(m.Op, m.Clients, m.Object)
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range stages {
					if s.Name == "client links" {
						links = s.BytesPerSec
					}
				}
			}
		}
		return 1 / links
	}
	if one, three := seconds("rep-1"), seconds("rep-3"); !(three > 2.999*one && three < 3.001*one) {
		t.Errorf("three copies take the client's links %g times as long as one", three/one)
	}
}
