package hardware

import (
	"fmt"
	"strings"
)

// DType is a number format of matrix work.
type DType uint8

// The number formats, from widest to narrowest. TF32 is stored in four bytes.
const (
	FP64 DType = iota
	FP32
	TF32
	BF16
	FP16
	FP8
	INT8
	FP4
	NumDTypes = int(FP4) + 1
)

var dtypeNames = [NumDTypes]string{"fp64", "fp32", "tf32", "bf16", "fp16", "fp8", "int8", "fp4"}
var dtypeBytes = [NumDTypes]float64{8, 4, 4, 2, 2, 1, 1, 0.5}

// String is the lower-case name, "bf16".
func (d DType) String() string {
	if int(d) < NumDTypes {
		return dtypeNames[d]
	}
	return fmt.Sprintf("dtype(%d)", uint8(d))
}

// Bytes is the storage of one value in bytes, scaling factors left out.
func (d DType) Bytes() float64 {
	if int(d) < NumDTypes {
		return dtypeBytes[d]
	}
	return 0
}

// ParseDType reads a format's name in the spellings of frameworks and papers.
func ParseDType(s string) (DType, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "fp64", "float64", "double":
		return FP64, nil
	case "fp32", "float32", "float":
		return FP32, nil
	case "tf32":
		return TF32, nil
	case "bf16", "bfloat16":
		return BF16, nil
	case "fp16", "float16", "half":
		return FP16, nil
	case "fp8", "fp8_e4m3", "fp8_e5m2", "float8", "mxfp8", "fp8_block":
		return FP8, nil
	case "int8":
		return INT8, nil
	case "fp4", "nvfp4", "mxfp4":
		return FP4, nil
	}
	return 0, fmt.Errorf("unknown number format %q: one of %s", s, strings.Join(dtypeNames[:], ", "))
}
