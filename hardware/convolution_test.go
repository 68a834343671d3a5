package hardware

import (
	"math"
	"testing"
)

// A 1×1 convolution is a matrix multiplication: the same compute time, and FLOP by hand.
func TestConvolutionOfOnePixel(t *testing.T) {
	d, err := Default().Device("nvidia-h100-sxm", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := Convolution{Batch: 64, Channels: 512, Height: 28, Width: 28, Filters: 1024, FilterHeight: 1, FilterWidth: 1, Stride: 1, DType: BF16}
	gemm := d.GEMM(64*28*28, 1024, 512, BF16)
	if got := d.Convolution(c); math.Abs(got.ComputeSec/gemm.ComputeSec-1) > 1e-12 {
		t.Errorf("compute %g s, the matrices' %g", got.ComputeSec, gemm.ComputeSec)
	}
	flops, bytes := c.Work()
	if want := 2.0 * 64 * 28 * 28 * 512 * 1024; flops != want {
		t.Errorf("%g FLOP, want %g", flops, want)
	}
	if want := 2.0 * (64*28*28*512 + 512*1024 + 64*28*28*1024); bytes != want {
		t.Errorf("%g bytes, want %g", bytes, want)
	}
}

func TestConvolutionSensitivity(t *testing.T) {
	d, err := Default().Device("nvidia-a100-sxm-80", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	base := Convolution{Batch: 32, Channels: 64, Height: 56, Width: 56, Filters: 64, FilterHeight: 3, FilterWidth: 3, Stride: 1, Pad: 1, DType: FP16}
	if flops, _ := base.Work(); flops != 2*32*56*56*64*64*9 {
		t.Errorf("padding changes the size of the output: %g FLOP", flops)
	}
	for what, change := range map[string]func(*Convolution){
		"batch": func(c *Convolution) { c.Batch *= 4 }, "filters": func(c *Convolution) { c.Filters *= 4 }, "window": func(c *Convolution) { c.FilterHeight, c.FilterWidth, c.Pad = 7, 7, 3 },
		"half the stride": func(c *Convolution) { c.Height, c.Width = 112, 112 }, "a slower format": func(c *Convolution) { c.DType = FP32 },
	} {
		c := base
		change(&c)
		if got, was := d.Convolution(c).Sec, d.Convolution(base).Sec; got <= was {
			t.Errorf("%s: %g s, before %g", what, got, was)
		}
	}
	strided := base
	strided.Stride = 2
	if got, was := d.Convolution(strided).Sec, d.Convolution(base).Sec; got >= was {
		t.Errorf("a stride of two: %g s, of one %g", got, was)
	}
	if none := (Convolution{Batch: 1, Channels: 3, Height: 4, Width: 4, Filters: 8, FilterHeight: 7, FilterWidth: 7, DType: FP16}); d.Convolution(none).Sec != 0 {
		t.Error("a window larger than the picture takes time")
	}
}

// Multiplications in one call: no slower than one after the other, no faster than their bytes or FLOP,
// and one of them is one call.
func TestBatchedMultiplications(t *testing.T) {
	d, err := Default().Device("nvidia-h100-sxm", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	lib, from := d.Isolated().Library(BF16)
	if from != OriginChip {
		t.Fatalf("the H100's library stands on %v", from)
	}
	for _, s := range [][3]float64{{64, 64, 64}, {128, 4096, 512}, {2048, 2048, 2048}} {
		one := lib.Sec(s[0], s[1], s[2], 2, 2)
		if one != lib.Batched(1, s[0], s[1], s[2], 2, 2) {
			t.Errorf("%v: a batch of one is another call", s)
		}
		last := one
		for _, count := range []float64{4, 64, 1024} {
			got := lib.Batched(count, s[0], s[1], s[2], 2, 2)
			bytes := count * 2 * (s[0]*s[2] + s[2]*s[1] + s[0]*s[1])
			if got <= last*0.999 || got > count*one || got < 2*count*s[0]*s[1]*s[2]/d.Peak[BF16] || got < 0.8*bytes/d.MemBytesPerSec {
				t.Errorf("%v × %g: %g s, one %g", s, count, got, one)
			}
			last = got
		}
	}
}

// Origins of library models, and that chips of fewer watts for their rate lose clock in long work.
func TestLibraryOrigins(t *testing.T) {
	for id, want := range map[string]Origin{"nvidia-a100-sxm-80": OriginChip, "nvidia-a40": OriginGeneration, "nvidia-titan-xp": OriginGeneration, "nvidia-l40s": OriginShared, "amd-mi300x": OriginNone} {
		d, err := Default().Device(id, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		dt := FP16
		if d.Peak[dt] == 0 {
			dt = FP32
		}
		if _, from := d.Library(dt); from != want {
			t.Errorf("%s: %v, want %v", id, from, want)
		}
	}
	d, err := Default().Device("nvidia-h100-sxm", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	long := func(watts float64) float64 {
		c := *d
		c.LimitWatts = watts
		lib := SharedLibrary(&c, BF16, 900e12, 3e12)
		return lib.Sec(16384, 16384, 16384, 2, 2)
	}
	if a, b, c := long(350), long(700), long(4000); !(a > b && b > c) {
		t.Errorf("16,384³ at 350, 700 and 4,000 W: %g, %g, %g s", a, b, c)
	}
}
