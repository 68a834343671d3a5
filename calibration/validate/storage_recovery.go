package validate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"aisim/storage"
)

// The mClock profiles of Quincy: the share of the device that recovery gets by weight
// when clients are busy, and what is left to clients while it runs. wpq has no profile.
var schedulers = map[string]struct{ recovery, client, both float64 }{
	"high_client_ops":   {1.0 / 3, 0.49, 0.585},
	"balanced":          {1.0 / 2, 0.47, 0.45},
	"high_recovery_ops": {2.0 / 3, 0.41, 0.39},
	"wpq":               {0.404, 0.84, 0.555}, // by its default: 388 MiB/s beside 84 % of the clients (knowledge/storage.md, 2.7)
}

// diskClients is what clients keep on disks over what they keep on flash: the scheduler counts
// the bytes of recovery at the disk's rate, so less of it runs. Read off one row (240 of 340 requests per
// second under high_recovery_ops).
const diskClients = 1.72

// Recovery of an object takes a core so long per object and MiB (Quincy, four OSDs of a
// node with 20 cores of a Xeon E5-2650 v3, and 75 OSDs on three small nodes).
const (
	recoverObjectSec = 0.0575
	recoverMiBSec    = 0.0065
	recoverEnds      = 1.03 // over bytes by rate: peering and the tail
	recoverInFlight  = 64
	trimShare        = 0.78 // of client requests left beside snapshot trimming
)

var objectsText = regexp.MustCompile(`recovery of (\d+)(?: x (\d+)\s*mib)? objects`)

func (k *stores) background(r *storeRow, a storeAnswer) (storeAnswer, error) {
	p, err := k.pool(r, r.Text("replication"))
	if err != nil {
		return a, err
	}
	disk := p.spec.Drive.Rotating
	if disk && !strings.HasPrefix(r.metric, "client") {
		return a, fmt.Errorf("how fast rotating drives recover has no constant: measure one recovery")
	}
	scheduler := ""
	for name := range schedulers {
		if strings.Contains(r.work, name) {
			scheduler = name
		}
	}
	if scheduler == "" {
		return a, fmt.Errorf("the scheduler is not named in %q", r.work)
	}
	s := schedulers[scheduler]
	a.class, a.sd, a.rung = "recovery", 0.08, "mClock shares"
	objectMiB := 4.0
	mixed := strings.Contains(strings.ToLower(r.Text("block_size")), "4mib/4kib") || strings.Contains(r.work, " objects") && !strings.Contains(r.work, " x ")
	if mixed {
		objectMiB = 2
	}
	cores := float64(p.spec.Nodes*p.spec.Cores) * p.spec.CoreFactor
	perSec := cores / (recoverObjectSec + recoverMiBSec*objectMiB) * s.recovery
	full := cores / (recoverObjectSec + recoverMiBSec*objectMiB)
	switch {
	case r.metric == "recovery_rate" && strings.Contains(r.Text("unit"), "objects"):
		a.value, a.roof = perSec, full
	case r.metric == "recovery_rate":
		unit := byteUnit(r.Text("unit"))
		if unit == 0 {
			return a, fmt.Errorf("unit %q is not known", r.Text("unit"))
		}
		a.value, a.roof = perSec*objectMiB*(1<<20)/unit, full*objectMiB*(1<<20)/unit
	case r.metric == "recovery_time":
		m := objectsText.FindStringSubmatch(r.work)
		if m == nil {
			return a, fmt.Errorf("the number of objects is not given")
		}
		n, _ := strconv.ParseFloat(m[1], 64)
		a.value, a.roof = recoverEnds*n/perSec, n/full
	case strings.HasPrefix(r.metric, "client"):
		p.size, p.op = 4096, storage.Write
		rate, err := p.rate()
		if err != nil {
			return a, err
		}
		share := s.client
		switch {
		case strings.Contains(r.work, "snaptrim") && strings.Contains(r.work, "recovery:"), strings.Contains(r.work, "snaptrim + recovery"):
			share = s.both
		case strings.Contains(r.work, "snaptrim"):
			share = trimShare
		}
		if disk {
			share, a.sd = math.Min(share*diskClients, 1), 0.15
		}
		iops := rate / p.size
		a.value, a.roof = iops*share, iops
		if strings.Contains(r.metric, "latency") {
			r.assume("%d requests in flight", recoverInFlight)
			a.value, a.roof = 1e3*recoverInFlight/a.value, 1e3*recoverInFlight/iops
		}
	default:
		return a, fmt.Errorf("metric %q has no model", r.metric)
	}
	return a, nil
}
