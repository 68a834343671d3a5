package storage

import (
	"strings"
	"testing"

	"aisim/hardware"
)

// Every SSD and disk of the catalogue makes a drive; tape, memory and cloud volumes are refused.
func TestCatalogueDrives(t *testing.T) {
	cat := hardware.Default()
	d, err := cat.Drive("nvme4-pm9a3")
	if err != nil {
		t.Fatal(err)
	}
	drive, err := NewDrive(d, nil)
	if err != nil {
		t.Fatal(err)
	}
	if drive.Bytes != 7.68e12 || drive.ReadBytesPerSec != 6.7e9 || drive.WriteIOPS != 200e3 || drive.ActiveWatts != 13 {
		t.Errorf("%+v", drive)
	}
	if len(drive.Assumed) == 0 {
		t.Error("the sheet gives no latency: the stand-in must be listed")
	}
	slow, err := NewDrive(d, func(name string, v hardware.Value) float64 {
		if strings.HasPrefix(name, "drive.nvme4-pm9a3.") {
			return v.V / 2
		}
		return v.V
	})
	if err != nil || slow.WriteBytesPerSec != drive.WriteBytesPerSec/2 {
		t.Errorf("drawn %+v, %v", slow, err)
	}
	for _, id := range []string{"tape-lto9", "dram-ddr5-rdimm", "aws-gp3"} {
		d, err := cat.Drive(id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewDrive(d, nil); err == nil || !strings.Contains(err.Error(), "want ssd or hdd") {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestUseServer(t *testing.T) {
	cat := hardware.Default()
	server, err := cat.Server("storage-nvme-24")
	if err != nil {
		t.Fatal(err)
	}
	spec := CephSpec{ID: "pool", Nodes: 20, DrivesPerNode: 10, Drive: testDrive(), Profile: "rep-3"}
	if err := spec.UseServer(server, nil); err != nil {
		t.Fatal(err)
	}
	if spec.Cores != 32 || spec.NICBytesPerSec != 2*25e9 || spec.Server != "storage-nvme-24" || !(spec.NodeMaxWatts >= 450 && spec.NodeMaxWatts < 900) {
		t.Errorf("%+v", spec)
	}
	if _, err := NewCeph(spec); err != nil {
		t.Error(err)
	}
	own := CephSpec{Cores: 64, NICBytesPerSec: 1e9, Server: "mine"}
	if err := own.UseServer(server, nil); err != nil || own.Cores != 64 || own.NICBytesPerSec != 1e9 || own.Server != "mine" {
		t.Errorf("what the scenario gives must stand: %+v, %v", own, err)
	}
}

func TestAccessTime(t *testing.T) {
	flash := Drive{ReadBytesPerSec: 4e9, ReadIOPS: 1e6}
	near(t, "4 KiB on flash: 1/IOPS", flash.accessSec(Read, 4096), 1.024e-6, 1e-9)
	flash.ReadIOPS = 0.5e6
	near(t, "IOPS below bandwidth", flash.accessSec(Read, 4096), 2e-6, 1e-9)
	near(t, "1 MB on flash", flash.accessSec(Read, 1e6), 250e-6, 1e-9)
	disk := Drive{Rotating: true, ReadBytesPerSec: 0.2e9, ReadIOPS: 100}
	near(t, "2 MB on a disk", disk.accessSec(Read, 2e6), 0.01+0.01, 1e-9)
}
