package main

// row is one line of the table: what aisim runs, what the reference runs, and the
// promise.
type row struct {
	name string
	args []string // of aisim bench
	// ref is a reference program's key with its arguments.
	ref     string
	refArgs []string
	refRuns int // 0: as often as aisim
	promise promise
	known   string // best figure of a peer that is not run here, with its source
}

// promise is what issue 2/8 asks of a row: a bound on what is measured.
type promise struct {
	kind  string // "wall-ratio", "rate-ratio": against the reference; "wall": seconds; "own-ratio": against own 1 worker
	bound float64
	gib   float64 // bound on memory, 0 for none
}

var simgrid = []string{"--cfg=network/model:CM02", "--cfg=network/TCP-gamma:0", "--cfg=network/crosstraffic:0", "--log=root.thresh:error"}

func with(a ...string) []string { return append(a, simgrid...) }

func fabric(pattern, radix, bytes, model, workers string) []string {
	return []string{pattern, "--radix", radix, "--bytes", bytes, "--model", model, "--workers", workers}
}

func phold(each, end, workers string) []string {
	return []string{"phold", "--lps", "65536", "--events-per-lp", each, "--end", end, "--workers", workers}
}

var rows = []row{
	{name: "PHOLD, 65,536 LPs × 1, 1 worker", args: phold("1", "200", "1"), ref: "phold", refArgs: []string{"h2", "65536", "1", "200"}, promise: promise{kind: "rate-ratio", bound: 1.5}},
	{name: "PHOLD, 65,536 LPs × 1, 2 workers", args: phold("1", "200", "2"), ref: "phold", refArgs: []string{"h2", "65536", "1", "200"}, promise: promise{kind: "rate-ratio", bound: 2.7}},
	{name: "— the same, against its own 1 worker", args: phold("1", "200", "2"), promise: promise{kind: "own-ratio", bound: 1.7}},
	{name: "PHOLD, 65,536 LPs × 16, 1 worker", args: phold("16", "10", "1"), ref: "phold", refArgs: []string{"h4", "65536", "16", "10"}, promise: promise{kind: "rate-ratio", bound: 3.5}},
	{name: "PHOLD, 65,536 LPs × 16, 2 workers", args: phold("16", "10", "2"), ref: "phold", refArgs: []string{"h4", "65536", "16", "10"}, promise: promise{kind: "rate-ratio", bound: 7}},
	{name: "ring all-reduce 256 MiB, 1,024 hosts, 2.1 M messages", args: fabric("ring", "16", "256MiB", "flow", "1"), ref: "simgrid", refArgs: with("16", "ring", "268435456"), refRuns: 1, promise: promise{kind: "wall-ratio", bound: 1.0 / 6}},
	{name: "all-to-all 1 MiB, 128 hosts, 16,256 flows at once", args: fabric("alltoall", "8", "1MiB", "flow", "2"), ref: "simgrid", refArgs: with("8", "alltoall", "1048576"), promise: promise{kind: "wall-ratio", bound: 0.1}},
	{name: "all-to-all 1 MiB, 432 hosts, 186,192 flows at once", args: fabric("alltoall", "12", "1MiB", "flow", "2"), promise: promise{kind: "wall", bound: 4}, known: "SimGrid 3.32: > 60 s (stopped)"},
	{name: "permutation 64 MiB, 8,192 hosts, with the build", args: fabric("permutation", "32", "64MiB", "flow", "2"), ref: "simgrid", refArgs: with("32", "perm", "67108864", "1"), promise: promise{kind: "wall-ratio", bound: 0.25}},
	{name: "permutation 64 MiB, 128,000 hosts (k = 80), with the build", args: fabric("permutation", "80", "64MiB", "flow", "2"), promise: promise{kind: "wall", bound: 10, gib: 4}},
	{name: "packet permutation 2 MiB, 1,024 hosts, 1 worker", args: fabric("permutation", "16", "2MiB", "packet", "1"), known: "htsim (uet-htsim 40ccb05): 14.1 s"},
	{name: "packet permutation 2 MiB, 1,024 hosts, 2 workers", args: fabric("permutation", "16", "2MiB", "packet", "2"), promise: promise{kind: "wall", bound: 1.2}, known: "htsim (uet-htsim 40ccb05): 14.1 s"},
	{name: "— the same, against its own 1 worker", args: fabric("permutation", "16", "2MiB", "packet", "2"), promise: promise{kind: "own-ratio", bound: 1.6}},
}

// agreement are the cases in which the flow fabric must end when SimGrid does.
var agreement = []struct {
	pattern, radix, bytes, sg string
}{
	{"permutation", "8", "67108864", "perm"},
	{"permutation", "16", "67108864", "perm"},
	{"ring", "8", "268435456", "ring"},
	{"alltoall", "8", "1048576", "alltoall"},
	{"alltoall", "8", "65536", "alltoall"},
}

// growth are the radices of the growth law: 1,024 to 128,000 hosts.
var growth = []string{"16", "20", "26", "32", "40", "50", "64", "80"}

// profiles are the hot loops, each with the Go benchmark that runs it and what bounds it.
var profiles = []struct {
	title, pkg, bench, bound string
}{
	{"Engine: PHOLD, 1 M pending", "./sim/phold", "BenchmarkPHOLD/events=16/workers=1", `Memory bounds it: a million pending events of 32 bytes are more than the second-level
cache, and each is written once into its window's bucket and read once when the window is
sorted. The rest is the model's own random numbers and logarithm.`},
	{"Flow fabric: all-to-all, one dense component", "./topology/traffic", "BenchmarkAllToAll", `The gathering and filling of a component bound it: every use (flow × link) is touched a
few times per solve, in the order of the links' lists, so it is latency of the cache that
counts and not arithmetic. Fewer solves help more than faster ones: flows that start or
end at one instant are solved together, and flows below the level of a change stand aside.`},
	{"Flow fabric: ring all-reduce, message by message", "./topology/traffic", "BenchmarkRing", `A message that is alone on its links skips the component: what is left is putting its uses
on the links and off again, and the heap of completions (ten levels for 1,024 ranks).
There is no one place left to win much.`},
	{"Flow fabric: permutation of 128,000 hosts", "./topology/traffic", "BenchmarkPermutation/k=80", `One component holds most flows and they end at 168 instants; each solve walks uses that
lie scattered over 50 MB, so main memory bounds it. Clearing and copying of arrays is the
building of fabric and net; routing is a twentieth.`},
	{"Packet fabric: permutation of 1,024 hosts", "./topology/packet", "BenchmarkPermutation/infiniband/k=16/workers=1", `One event per hop: a port's and a buffer's line of cache each, the engine's window, and the
choice among the shortest paths. The state of 1,024 hosts (ports, credits, routes) fits the
third-level cache and not the second.`},
}
