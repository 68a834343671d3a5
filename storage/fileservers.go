package storage

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"aisim/hardware"
	"aisim/internal/result"
)

// FileServers are the servers of a parallel file system, Lustre's or Gluster's. Zero values take
// the default in brackets; rates are one way, in bytes per second.
type FileServers struct {
	ID             string
	Server         string // catalogue id of the node, for the ledger
	Nodes          int    // that hold data
	DrivesPerNode  int
	Drive          Drive
	NICBytesPerSec float64 // per node, all ports together

	FileBytes            float64 // of the files that data lie in [one per operation]
	PerClientBytesPerSec float64 // ceiling of one client [its ports and the file system's own]
	Fill                 float64 // share of the usable bytes that other data takes already [0]

	NodeMaxWatts  float64 // of a node without its drives, all cores busy
	NodeIdleWatts float64 // [0.45 of it]

	Draw hardware.Draw // of the model's constants [nominal]
}

// UseServer fills ports and power that are still zero from a catalogue server, as for Ceph.
func (f *FileServers) UseServer(s *hardware.Server, draw hardware.Draw) error {
	c := CephSpec{ID: f.ID, Server: f.Server, Drive: f.Drive, NICBytesPerSec: f.NICBytesPerSec, NodeMaxWatts: f.NodeMaxWatts}
	if err := c.UseServer(s, draw); err != nil {
		return err
	}
	f.Server, f.NICBytesPerSec, f.NodeMaxWatts = c.Server, c.NICBytesPerSec, c.NodeMaxWatts
	return nil
}

func (f *FileServers) check() error {
	if f.NodeIdleWatts == 0 {
		f.NodeIdleWatts = idleShare * f.NodeMaxWatts
	}
	switch {
	case f.Nodes < 1 || f.Nodes > 100_000:
		return fmt.Errorf("nodes %d: allowed 1 to 100000", f.Nodes)
	case f.DrivesPerNode < 1 || f.DrivesPerNode > 1000:
		return fmt.Errorf("drives per node %d: allowed 1 to 1000", f.DrivesPerNode)
	case !positive(f.NICBytesPerSec):
		return fmt.Errorf("NIC rate %g B/s per node: must be above 0", f.NICBytesPerSec)
	case !(f.FileBytes >= 0) || math.IsInf(f.FileBytes, 1):
		return fmt.Errorf("files of %g B: must be 0 (one per operation) or more", f.FileBytes)
	case !(f.PerClientBytesPerSec >= 0) || math.IsInf(f.PerClientBytesPerSec, 1):
		return fmt.Errorf("ceiling of %g B/s per client: must be 0 (none) or more", f.PerClientBytesPerSec)
	case !(f.Fill >= 0 && f.Fill <= 0.95):
		return fmt.Errorf("fill %g: allowed 0 to 0.95", f.Fill)
	case f.NodeMaxWatts < 0 || f.NodeIdleWatts < 0 || f.NodeIdleWatts > f.NodeMaxWatts:
		return fmt.Errorf("node power idle %g W, full %g W: want 0 ≤ idle ≤ full", f.NodeIdleWatts, f.NodeMaxWatts)
	}
	return f.Drive.check()
}

// sizes are the bytes of one operation, no larger than its file, and of the file.
func (f *FileServers) sizes(objectBytes float64) (io, file float64) {
	if f.FileBytes == 0 {
		return objectBytes, objectBytes
	}
	return math.Min(objectBytes, f.FileBytes), f.FileBytes
}

// capacityOf is what the drives hold of client bytes with the given protection and full ratio.
// Both file systems place new files on targets with room, so that no drive is full long before the mean.
func (f *FileServers) capacityOf(efficiency, fullRatio float64) Capacity {
	raw := float64(f.Nodes) * float64(f.DrivesPerNode) * f.Drive.Bytes
	held := raw * efficiency
	usable := held * fullRatio
	return Capacity{RawBytes: raw, UsableBytes: usable, NearfullBytes: held * math.Min(nearfullRatio, fullRatio), FreeBytes: usable * (1 - f.Fill), WorstShare: 1}
}

// wattsOf is the power of so many servers and drives.
func (f *FileServers) wattsOf(servers, drives int, util float64) float64 {
	node := f.NodeIdleWatts + (f.NodeMaxWatts-f.NodeIdleWatts)*util
	drive := f.Drive.IdleWatts + (f.Drive.ActiveWatts-f.Drive.IdleWatts)*util
	return float64(servers)*node + float64(drives)*drive
}

func (f *FileServers) assume(constants []*Constant) []result.Assumption {
	var out []result.Assumption
	for _, p := range constants {
		out = append(out, result.Assumption{Name: p.Name, Value: fmt.Sprintf("%.4g %s", p.Value, p.Unit), Pedigree: p.Kind, Source: p.Source})
	}
	for _, a := range f.Drive.Assumed {
		out = append(out, result.Assumption{Name: "drive " + f.Drive.ID, Value: a, Pedigree: result.Assumed, Source: "storage/drive.go"})
	}
	return out
}

// narrower is the slower of two stages.
func narrower(a, b Stage) Stage {
	if b.BytesPerSec < a.BytesPerSec {
		return b
	}
	return a
}

// fullestBin is the expected number of balls in the fullest of n bins that each of balls falls
// into at random: Σ (1 − P(max ≤ m)) over m ≥ 0, with Levin's representation of the multinomial
// (Annals of Statistics 9, 1981): P(max ≤ m) = b!/(bᵇ e⁻ᵇ) · P(X ≤ m)ⁿ · P(W = b), X Poisson of mean b/n and W the sum of n of them
// cut off at m, which is taken as normal. Servers that share files unevenly, six of which four serve each, count as n = 6/4.
func fullestBin(balls int, n float64) float64 {
	if n <= 1 || balls <= 1 {
		return float64(balls)
	}
	b := float64(balls)
	mean := b / n
	lnFactorial, _ := math.Lgamma(b + 1)
	ahead := lnFactorial - b*math.Log(b) + b
	wide := 10*math.Sqrt(mean) + 20
	low := math.Max(0, math.Floor(mean-wide)) // what lies below has no weight
	x := distuv.Poisson{Lambda: mean}
	sum := low
	var p0, p1, p2 float64 // of X up to m: probability, and moments about the mean
	for m := low; m <= mean+wide && m < b; m++ {
		p, d := x.Prob(m), m-mean
		p0, p1, p2 = p0+p, p1+p*d, p2+p*d*d
		at, below := p1/p0, 0.0
		if spread := n * (p2/p0 - at*at); spread > 0 {
			z := -n * at
			below = math.Exp(ahead + n*math.Log(p0) - z*z/(2*spread) - math.Log(2*math.Pi*spread)/2)
		}
		if m >= mean || p0 > 0.5 {
			sum += 1 - math.Min(1, below)
		} else {
			sum++
		}
	}
	return sum
}
