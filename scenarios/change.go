package scenarios

// Change multiplies resources of a world: 1.1 is a tenth more of it, 2 twice as much.
// Keys are the stable resource keys of result.Elasticity; nil changes nothing.
type Change map[string]float64

// Of is the factor on one resource.
func (c Change) Of(resource string) float64 {
	if f, ok := c[resource]; ok {
		return f
	}
	return 1
}

// The resources that a Change can name.
const (
	Compute        = "compute"         // matrix rate of the accelerators
	HBM            = "hbm"             // their memory bandwidth
	Host           = "host"            // speed of launching and of host-side work
	ScaleUp        = "scaleup"         // bandwidth of the scale-up link
	NIC            = "nic"             // host to leaf
	Leaf           = "leaf"            // leaf to spine
	Spine          = "spine"           // spine to core
	Core           = "core"            // core to super-core
	StorageDrives  = "storage.drives"  // drives of every store
	StorageNetwork = "storage.network" // network ports of every store
	StorageCPU     = "storage.cpu"     // cores of every store
	MTBF           = "mtbf"            // time between failures
	Recovery       = "recovery"        // speed of detection and restart
	WANLink        = "wan"             // bandwidth of the sites' links
)

// stepResources are those that a training step or a serving engine depends on; a
// change of others leaves what was computed for them as it is.
var stepResources = []string{Compute, HBM, Host, ScaleUp, NIC, Leaf, Spine, Core}
