//go:build !(nvml && cgo)

package sample

import (
	"errors"
	"time"
)

// NVML is not in this build: it needs cgo, and the default binary has none.
func NVML(time.Duration, func() time.Time) (Sampler, error) {
	return nil, errors.New("this build has no NVML: go build -tags nvml with cgo, or leave --sampler at nvidia-smi")
}
