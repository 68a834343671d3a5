package collective

import "math"

// nvlsFixedSec is the fixed time of a reduction in the scale-up switch over n ranks:
// 27 µs · (n/8)^0.57, from fits to published nccl-tests tables of Hopper systems (24–35
// µs at 8 ranks; kernel, collective and storage notes, B1). It comes on top of BaseSec.
func nvlsFixedSec(n int) float64 { return 27e-6 * math.Pow(float64(n)/8, 0.57) }

// nvlsTreeShare is the part of the in-switch rate that is left when a tree between
// domains feeds it (same source).
const nvlsTreeShare = 0.93

func sqrt(v float64) float64 { return math.Sqrt(v) }
