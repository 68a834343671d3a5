package hardware_test

import (
	"fmt"

	"aisim/hardware"
)

// A chip's cost of one projection of a 70B model, and why fp8 is refused on an
// older one.
func Example() {
	catalogue := hardware.Default()
	h100, err := catalogue.Device("nvidia-h100-sxm", nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	c := h100.GEMM(8192, 8192, 8192, hardware.BF16)
	fmt.Printf("%s: %.0f TFLOP/s of %.0f inside a step\n", h100.Rung, 2*8192*8192*8192/c.Sec/1e12, h100.Peak[hardware.BF16]/1e12)

	a100, _ := catalogue.Device("nvidia-a100-sxm-80", nil, nil)
	fmt.Println(a100.Supports(hardware.FP8))

	price, _ := catalogue.ServerPrice("dgx-h100")
	fmt.Printf("%s, %s: %s\n", hardware.FormatValue(price), price.Kind, price.Source)
	// Output:
	// fitted efficiency: 711 TFLOP/s of 989 inside a step
	// fp8 on nvidia-a100-sxm-80: the chip has no such units (it has fp64 9.7 TFLOP/s, fp32 19.5 TFLOP/s, tf32 156 TFLOP/s, bf16 312 TFLOP/s, fp16 312 TFLOP/s, int8 624 TOP/s)
	// 270000 USD, assumed: price of hgx-h100-oem (reseller range, from memory)
}
