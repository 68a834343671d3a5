package scenarios

import (
	"fmt"

	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/storage"
)

// storePorts are the network ports of each node of a store on servers of its own and their rate in bytes
// per second, one way.
func (w *World) storePorts(st *Storage) (count int, bytesPerSec float64, err error) {
	if st.NICs != nil {
		return st.NICs.Count, st.NICs.BytesPerSec, nil
	}
	s, err := w.Catalogue.Server(st.Server)
	if err != nil {
		return 0, 0, err
	}
	count = s.ComputeNICs
	if count == 0 {
		count = s.StorageNICs
	}
	if count == 0 || !s.NIC.Known() {
		return 0, 0, fmt.Errorf("the catalogue names no network ports for %s; give nics = { count, speed }", st.Server)
	}
	return count, s.NIC.V, nil
}

// store builds one storage system with a sample's draw and a change.
func (w *World) store(st *Storage, draw hardware.Draw, c Change) (*storage.System, error) {
	var sys *storage.System
	var err error
	switch st.Kind {
	case "ceph":
		sys, err = w.ceph(st, draw)
	case "lustre", "gluster":
		sys, err = w.fileServers(st, draw)
	case "object":
		spec := storage.ObjectSpec{ID: st.ID, LatencySec: st.LatencySec, Fill: st.Fill}
		if st.BytesPerSec != nil {
			spec.BytesPerSec = *st.BytesPerSec
		}
		if st.PerClientBytesPerSec != nil {
			spec.PerClientBytesPerSec = w.perPort(*st.PerClientBytesPerSec)
		}
		sys, err = storage.NewObject(spec)
	case "nvme":
		var drive storage.Drive
		if drive, err = w.drive(st, draw); err != nil {
			return nil, err
		}
		sys, err = storage.NewNVMe(storage.NVMeSpec{ID: st.ID, Nodes: w.Scenario.Cluster.Nodes, DrivesPerNode: st.Drives.PerNode, Drive: drive, Fill: st.Fill})
	default:
		return nil, fmt.Errorf("kind %q is not known", st.Kind)
	}
	if err != nil {
		return nil, err
	}
	if sys, err = sys.Scaled(storage.Scaling{Drives: c.Of(StorageDrives), Network: c.Of(StorageNetwork), CPU: c.Of(StorageCPU)}); err != nil {
		return nil, err
	}
	sys.ShareRoutes(w.routes)
	return sys, nil
}

func (w *World) drive(st *Storage, draw hardware.Draw) (storage.Drive, error) {
	h, err := w.Catalogue.Drive(st.Drives.Type)
	if err != nil {
		return storage.Drive{}, err
	}
	for _, p := range w.Given {
		h.Measured(p)
	}
	return storage.NewDrive(h, draw)
}

// measuredDrives says whether a profile has measured a drive of one of the stores.
func (w *World) measuredDrives(p *profile.Profile) bool {
	for i := range w.Scenario.Storage {
		if d := w.Scenario.Storage[i].Drives; d != nil {
			if _, ok := p.Drives[d.Type]; ok {
				return true
			}
		}
	}
	return false
}

func (w *World) ceph(st *Storage, draw hardware.Draw) (*storage.System, error) {
	drive, err := w.drive(st, draw)
	if err != nil {
		return nil, err
	}
	count, rate, err := w.storePorts(st)
	if err != nil {
		return nil, err
	}
	constants := storage.NominalConstants().Draw(draw)
	spec := storage.CephSpec{ID: st.ID, Server: st.Server, Nodes: st.Nodes, DrivesPerNode: st.Drives.PerNode, Drive: drive, NICBytesPerSec: float64(count) * rate,
		ObjectBytes: st.ObjectBytes, Fill: st.Fill, Constants: &constants}
	if st.Pool != nil {
		spec.Profile, spec.FailureDomain = st.Pool.Profile, st.Pool.FailureDomain
	}
	if st.Cores != nil {
		spec.Cores = *st.Cores
	}
	if st.Server != "" {
		s, err := w.Catalogue.Server(st.Server)
		if err != nil {
			return nil, err
		}
		if err := spec.UseServer(s, draw); err != nil {
			return nil, err
		}
	}
	return storage.NewCeph(spec)
}

func (w *World) fileServers(st *Storage, draw hardware.Draw) (*storage.System, error) {
	drive, err := w.drive(st, draw)
	if err != nil {
		return nil, err
	}
	count, rate, err := w.storePorts(st)
	if err != nil {
		return nil, err
	}
	f := storage.FileServers{ID: st.ID, Server: st.Server, Nodes: st.Nodes, DrivesPerNode: st.Drives.PerNode, Drive: drive, NICBytesPerSec: float64(count) * rate,
		FileBytes: st.FileBytes, Fill: st.Fill, Draw: draw}
	if st.PerClientBytesPerSec != nil {
		f.PerClientBytesPerSec = w.perPort(*st.PerClientBytesPerSec)
	}
	s, err := w.Catalogue.Server(st.Server)
	if err != nil {
		return nil, err
	}
	if err := f.UseServer(s, draw); err != nil {
		return nil, err
	}
	if st.Kind == "gluster" {
		return storage.NewGluster(storage.GlusterSpec{FileServers: f, Profile: st.Pool.Profile})
	}
	spec := storage.LustreSpec{FileServers: f, Profile: st.Pool.Profile}
	if st.Stripe != nil {
		spec.StripeCount, spec.StripeBytes = st.Stripe.Count, st.Stripe.Bytes
	}
	if m := st.Metadata; m != nil {
		spec.MetadataServers = m.Servers
		if m.FilesPerSec != nil {
			spec.FilesPerSec = *m.FilesPerSec
		}
	}
	return storage.NewLustre(spec)
}

// perPort is a node's ceiling on each of its clients, which are its ports (see Future.ports).
func (w *World) perPort(nodeBytesPerSec float64) float64 {
	return nodeBytesPerSec / float64(max(1, w.NICs))
}

// ownServers says whether a store stands on servers of its own on the fabric.
func (st *Storage) ownServers() bool {
	return st.Kind == "ceph" || st.Kind == "lustre" || st.Kind == "gluster"
}
