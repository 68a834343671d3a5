package validate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"aisim/storage"
	"aisim/topology"
	"aisim/topology/flow"
)

// pool is a Ceph row's cluster, understood.
type cephPool struct {
	spec     storage.CephSpec
	op       storage.Op
	size     float64
	mixRead  float64 // share of reads, 0: not a mix
	modifier string
	single   bool // one OSD on the client's own host
}

var (
	sizeOfIO   = regexp.MustCompile(`(?i)^(\d+(?:\.\d+)?)\s*(KiB|MiB|KB|MB|B)`)
	sizeInWork = regexp.MustCompile(`(?i)\b(\d+(?:\.\d+)?)\s*(KiB|MiB|KB|MB)\b`)
	protection = regexp.MustCompile(`(?i)^(?:rep(?:lica)?\s*-?(\d+)|(\d+)\s*x(?: rep\w*)?|ec\s*-?(\d+\+\d+)|(\d+\+\d+) ?ec)`)
	queueText  = regexp.MustCompile(`(?i)(\d+)\s*(?:volumes?|vols?|procs|clients?|nodes?|images?)\s*(?:x\s*(\d+)\s*procs\s*)?(?:qd\s*(\d+))?`)
	threadText = regexp.MustCompile(`(?i)(?:(\d+)\s*x\s*)?(\d+)\s*threads`)
)

func (k *stores) pool(r *storeRow, replication string) (cephPool, error) {
	var p cephPool
	n := strings.ToLower(r.system)
	nodes, _, err := r.Number("nodes")
	if err != nil {
		return p, err
	}
	osds, _, err := r.Number("osds")
	if err != nil {
		return p, err
	}
	if nodes < 1 {
		return p, fmt.Errorf("the number of nodes is not given")
	}
	if osds < nodes {
		return p, fmt.Errorf("the number of OSDs is not given")
	}
	p.single = osds == 1
	var ok bool
	if p.spec.Cores, p.spec.CoreFactor, ok = storage.Processor(n); !ok {
		return p, fmt.Errorf("the processor of %q is not known", r.system)
	}
	p.spec.Gateway = strings.Contains(r.work, "s3") || strings.Contains(r.work, "rgw")
	network := strings.ToLower(r.Text("network"))
	rate, known := portRate(network)
	switch {
	case known && strings.Contains(network, "cap") && p.spec.Gateway:
		// A cap of one port does not fit what such clusters deliver: both ports count.
		p.spec.NICBytesPerSec = 25e9
		r.assume("both 100 Gb/s ports of a node")
	case known:
		p.spec.NICBytesPerSec = rate
	case strings.Contains(network, "local"), strings.Contains(network, "loopback"), network == "" && nodes <= 3:
		p.spec.NICBytesPerSec = 100e9
	default:
		return p, fmt.Errorf("the network is not given")
	}
	device := strings.ToLower(r.Text("device"))
	if p.spec.Drive, err = k.drive(device); err != nil {
		return p, err
	}
	if strings.Contains(n, "rhcs 3.2") || strings.Contains(device, "2 osd each") {
		p.spec.Drive = p.spec.Drive.Share(0.5)
		r.assume("two OSDs share a drive")
	}
	p.spec.LogOnFlash = strings.Contains(device, "wal") || strings.Contains(device, "db ") || strings.Contains(device, "optane")
	m := protection.FindStringSubmatch(replication)
	if m == nil {
		return p, fmt.Errorf("replication %q is not known", replication)
	}
	p.spec.Profile = "rep-" + m[1] + m[2]
	if code := m[3] + m[4]; code != "" {
		p.spec.Profile = "ec-" + code
	}
	p.modifier = strings.ToLower(strings.TrimSpace(replication[len(m[0]):]))
	p.spec.ID, p.spec.Nodes, p.spec.DrivesPerNode = "pool", int(nodes), int(osds/nodes)
	clients := strings.ToLower(r.Text("clients"))
	p.spec.Colocated = strings.Contains(clients, "colocated") || strings.Contains(clients, "procs") && !strings.Contains(clients, "separate")
	if nodes == 1 {
		// Copies lie on the drives of one node: the rule places them by OSD.
		p.spec.Nodes, p.spec.DrivesPerNode = int(osds), 1
		p.spec.Cores = max(1, p.spec.Cores/int(osds))
	}
	b := sizeOfIO.FindStringSubmatch(r.Text("block_size"))
	if b == nil {
		b = sizeInWork.FindStringSubmatch(r.work)
	}
	if b != nil {
		v, _ := strconv.ParseFloat(b[1], 64)
		p.size = v * map[string]float64{"b": 1, "kib": 1 << 10, "kb": 1 << 10, "mib": 1 << 20, "mb": 1 << 20}[strings.ToLower(b[2])]
	}
	if strings.Contains(r.work, "write") || strings.Contains(r.work, "put") {
		p.op = storage.Write
	}
	if strings.Contains(r.work, "70/30") {
		p.mixRead = 0.7
	}
	return p, nil
}

// bytesPerSec is the rate of a cluster that is asked for all it can give.
func (p cephPool) bytesPerSec(op storage.Op) (float64, error) {
	s, err := storage.NewCeph(p.spec)
	if err != nil {
		return 0, err
	}
	if err := s.Attach(flow.NewNet(nil), nil, nil); err != nil {
		return 0, err
	}
	clients := make([]topology.NodeID, 64)
	for i := range clients {
		clients[i] = topology.NodeID(i)
	}
	stages, err := s.Ceilings(op, clients, p.size)
	if err != nil {
		return 0, err
	}
	least := math.Inf(1)
	for _, st := range stages {
		if !strings.HasPrefix(st.Name, "encode") {
			least = math.Min(least, st.BytesPerSec)
		}
	}
	return least, nil
}

// mixFactor is the share of a rate that is left when reads and writes disturb each other: a
// 70/30 mix is 40 % below the sum of its costs (70 OSDs, RHCS 3.2; kernel notes, section C1).
const mixFactor = 0.6

// rate is bytesPerSec of the row's mix of reads and writes.
func (p cephPool) rate() (float64, error) {
	if p.mixRead == 0 {
		return p.bytesPerSec(p.op)
	}
	read, err := p.bytesPerSec(storage.Read)
	if err != nil {
		return 0, err
	}
	write, err := p.bytesPerSec(storage.Write)
	if err != nil {
		return 0, err
	}
	return mixFactor / (p.mixRead/read + (1-p.mixRead)/write), nil
}

// secured is the share of a rate that ciphers leave (kernel notes, section C1; for the wire of
// librbd knowledge/storage.md, 2.8: one terabyte per second becomes 0.75, a single client keeps 87 and 74 %).
func secured(modifier string, op storage.Op, size float64, gateway, alone bool) (float64, error) {
	large := size >= 1<<20
	switch {
	case strings.Contains(modifier, "msgr2") && !gateway && !strings.Contains(modifier, "luks"):
		switch {
		case !large:
			return 0.98, nil
		case op == storage.Write && alone:
			return 0.74, nil
		case op == storage.Write:
			return 0.97, nil
		case alone:
			return 0.87, nil
		}
		return 0.75, nil
	case modifier == "", strings.HasPrefix(modifier, "no ssl"), strings.HasPrefix(modifier, "stripe_unit"):
		return 1, nil
	case strings.Contains(modifier, "luks"):
		switch {
		case large && op == storage.Write && strings.Contains(modifier, "submit_from_crypt"):
			return 0.69, nil
		case large && op == storage.Write:
			return 0.53, nil
		case large:
			return 0.985, nil
		case op == storage.Write:
			return 0.83, nil
		}
		return 0.9, nil
	case strings.Contains(modifier, "sse"):
		// Objects are encrypted by the gateway; gateways that leave TLS to a proxy have
		// more cores for reads and less for the extra hop of writes.
		ingress := strings.Contains(modifier, "ingress")
		switch {
		case op == storage.Write && ingress:
			return 0.6, nil
		case op == storage.Write:
			return 0.69, nil
		case ingress:
			return 0.65, nil
		}
		return 0.48, nil
	case strings.Contains(modifier, "msgr2"):
		if op == storage.Write {
			return 0.92, nil
		}
		return 1, nil
	case strings.Contains(modifier, "ssl"), strings.Contains(modifier, "tls"):
		if op == storage.Write {
			return 0.96, nil
		}
		return 1, nil
	}
	return 0, fmt.Errorf("the effect of %q is not known", modifier)
}

// inFlight reads how many requests a row keeps in flight; 0: not said.
func inFlight(clients string) float64 {
	if m := threadText.FindStringSubmatch(clients); m != nil {
		a, _ := strconv.ParseFloat(m[1], 64)
		b, _ := strconv.ParseFloat(m[2], 64)
		return math.Max(a, 1) * b
	}
	if m := queueText.FindStringSubmatch(clients); m != nil && m[3] != "" {
		a, _ := strconv.ParseFloat(m[1], 64)
		b, _ := strconv.ParseFloat(m[2], 64)
		c, _ := strconv.ParseFloat(m[3], 64)
		return a * math.Max(b, 1) * c
	}
	return 0
}

// One OSD on its own (kernel notes, section C1): a queue of one request each
// 1/131,500 s and a delay besides; writes saturate at 104,000 and reach 66,000 with 32 in flight
// (knowledge/storage.md, 2.5); Crimson with SeaStore writes likewise.
const (
	osdSec, osdDelaySec           = 1 / 131500.0, 0.27e-3
	osdWriteSec, osdWriteDelaySec = 1 / 104000.0, 0.46e-3
	crimsonSec, crimsonDelaySec   = 1 / 70000.0, 0.98e-3
	osdStreamBytesPerSec          = 2.25e9      // of 64 KiB reads
	osdPutBytesPerSec             = 2.45e9      // of 64 KiB writes, the middle of 2.2 to 2.7 (knowledge/storage.md, 2.5)
	oneImageReads, oneImageWrites = 142e3, 85e3 // 4 KiB requests per second of one librbd client
)

// closedRate is the throughput of n requests that circle through one exponential queue
// and a delay (mean value analysis).
func closedRate(n, serviceSec, delaySec float64) float64 {
	x, queue := 0.0, 0.0
	for i := 1.0; i <= n; i++ {
		wait := serviceSec * (1 + queue)
		x = i / (wait + delaySec)
		queue = x * wait
	}
	return x
}

func (k *stores) ceph(r *storeRow) (storeAnswer, error) {
	a := storeAnswer{sd: 0.07, rung: "Ceph path, one profile per generation", scale: Rate}
	if strings.Contains(r.metric, "latency") || strings.HasSuffix(r.metric, "_time") {
		a.scale = Time
	}
	replication := r.Text("replication")
	if strings.Contains(r.work, "recovery") || strings.Contains(r.work, "snaptrim") {
		return k.background(r, a)
	}
	if before, after, ok := strings.Cut(replication, " vs "); ok {
		return k.change(r, a, before, after)
	}
	p, err := k.pool(r, replication)
	if err != nil {
		return a, err
	}
	if p.size == 0 {
		return a, fmt.Errorf("the size of requests is not given")
	}
	small := p.size < 1<<20
	a.class = "large I/O"
	if small {
		a.class = "small I/O"
	}
	factor, err := secured(p.modifier, p.op, p.size, p.spec.Gateway, strings.TrimSpace(r.Text("clients")) == "1" || strings.HasPrefix(r.Text("clients"), "1 "))
	if err != nil {
		return a, err
	}
	if strings.HasPrefix(r.metric, "relative") {
		a.value, a.roof, a.sd, a.class = 100*factor, 100, 0.04, "encryption"
		return a, nil
	}
	clients := r.Text("clients")
	if strings.Contains(r.metric, "latency") && (strings.Contains(r.work, "qd1 ") || strings.HasSuffix(r.work, "qd1")) {
		return depthOne(r, p, a)
	}
	if strings.Contains(r.work, "1 client qd128") {
		rate := float64(oneImageReads)
		if p.op == storage.Write {
			rate = oneImageWrites
		}
		a.value, a.roof, a.class = 1e3*128/rate, 0, "one client"
		return a, nil
	}
	if p.single {
		return oneOSD(r, p, a, inFlight(clients))
	}
	rate, err := p.rate()
	if err != nil {
		return a, err
	}
	rate *= factor
	if strings.Contains(r.system, "Pacific") && p.op == storage.Write && small {
		rate *= 0.70 // older releases: 0.66 to 0.73 (kernel notes, section C1)
	}
	if p.spec.Gateway && small {
		return a, fmt.Errorf("what bounds small objects through a gateway has no constant: cores alone explain 40 to 65 %% of their time; compare two pools with \"rep3 vs EC2+2\"")
	}
	roof := float64(p.spec.Nodes) * p.spec.NICBytesPerSec
	switch unit := byteUnit(r.Text("unit")); {
	case r.metric == "throughput" && unit > 0:
		a.value, a.roof = rate/unit, roof/unit
	case strings.Contains(r.metric, "iops"), r.metric == "ops":
		a.value, a.roof = rate/p.size, roof/p.size
	case r.metric == "latency_avg":
		n := inFlight(clients)
		if n == 0 {
			return a, fmt.Errorf("how many requests are in flight is not given")
		}
		a.value, a.roof, a.class = 1e3*n*p.size/rate, 1e3*n*p.size/roof, "latency by Little's law"
	default:
		return a, fmt.Errorf("metric %q has no model", r.metric)
	}
	return a, nil
}

// Tails of an unloaded commit over its mean (60 OSDs of Reef at queue depth 1).
var tails = map[string]float64{"latency_avg": 1, "latency_p99": 1.12, "latency_p99.9": 1.78, "latency_max": 18}

func depthOne(r *storeRow, p cephPool, a storeAnswer) (storeAnswer, error) {
	tail := tails[r.metric]
	if tail == 0 {
		return a, fmt.Errorf("metric %q of an unloaded system has no model", r.metric)
	}
	s, err := storage.NewCeph(p.spec)
	if err != nil {
		return a, err
	}
	sec, err := s.Latency(p.op, p.size, 0)
	if err != nil {
		return a, err
	}
	a.value = 1e3 * tail * sec
	a.class, a.sd = "latency at depth 1", 0.08
	return a, nil
}

func oneOSD(r *storeRow, p cephPool, a storeAnswer, n float64) (storeAnswer, error) {
	if n == 0 {
		return a, fmt.Errorf("how many requests are in flight is not given")
	}
	service, delay := osdSec, osdDelaySec
	crimson := strings.Contains(strings.ToLower(r.system), "crimson") && !strings.Contains(strings.ToLower(r.system), "classic")
	switch {
	case crimson && p.op == storage.Write:
		service, delay = crimsonSec, crimsonDelaySec
	case crimson:
		return a, fmt.Errorf("reads of a Crimson OSD have no constant: measure one in flight and many")
	case p.op == storage.Write:
		service, delay = osdWriteSec, osdWriteDelaySec
	}
	stream := osdStreamBytesPerSec
	if p.op == storage.Write {
		stream = osdPutBytesPerSec
	}
	x := math.Min(closedRate(n, service, delay), stream/p.size)
	a.class, a.sd, a.rung = "one OSD", 0.06, "closed loop of one OSD"
	switch unit := byteUnit(r.Text("unit")); {
	case r.metric == "iops":
		a.value, a.roof = x, 1/service
	case r.metric == "latency_avg":
		a.value, a.roof = 1e3*n/x, 1e3*n*service
	case r.metric == "throughput" && unit > 0:
		a.value, a.roof = x*p.size/unit, p.size/service/unit
	default:
		return a, fmt.Errorf("metric %q of one OSD has no model", r.metric)
	}
	return a, nil
}

// change is a rate under one protection over that under another.
func (k *stores) change(r *storeRow, a storeAnswer, now, base string) (storeAnswer, error) {
	a.class, a.sd = "change of protection", 0.06
	of := func(replication string) (float64, error) {
		p, err := k.pool(r, replication)
		if err != nil {
			return 0, err
		}
		if p.size == 0 {
			return 0, fmt.Errorf("the size of requests is not given")
		}
		return p.rate()
	}
	x, err := of(now)
	if err != nil {
		return a, err
	}
	y, err := of(base)
	if err != nil {
		return a, err
	}
	a.value = 100 * (x/y - 1)
	return a, nil
}
