package workloads

import (
	"fmt"

	"aisim/hardware"
)

// traffic is the memory traffic of a family of models when the card gives none.
type traffic struct {
	unit          string
	flopPerByte   float64 // of activations moved in a forward pass
	keptPerByte   float64 // bytes kept for the backward pass over bytes moved
	bytes, sample float64 // fixed values, used instead when positive; B per sample
	touched       float64 // parameters read per sample
	source        string
}

// genericTraffic holds the memory side of models known by totals only.
//   - cnn, segmentation, detection: ResNet-50 at 224² writes 11.1 M values per image
//     in its convolutions (torchvision layer shapes); with normalisation and activation
//     fused, as MLPerf submissions do, each value is written and read once: 2 moves of
//     2 bytes, 44 MB for 8.2 GFLOP, 185 FLOP/B. One of the two is kept for the backward
//     pass. Unfused frameworks move up to 2.5 times as much: give bytes_per_sample.
//   - vision transformers, diffusion, speech: a block moves about 34 h values of 2 bytes
//     per token for 24 h² FLOP; at h = 768..3072 that is 270..1080 FLOP/B; 300 is taken.
//   - recommender: 214 look-ups of 128 fp32 values (card dlrm-dcnv2) are 110 kB, and the
//     embedding rows are all that a sample touches of the tables.
//   - trees and linear models stream their parameters: 2 FLOP per 4 bytes read.
var genericTraffic = map[string]traffic{
	"cnn":                {unit: "image", flopPerByte: 185, keptPerByte: 0.5, sample: 110e3, source: "ResNet-50 layer shapes; 110 kB JPEG"},
	"segmentation":       {unit: "patch", flopPerByte: 185, keptPerByte: 0.5, sample: 146e6, source: "as convolutional networks; KiTS19 record"},
	"detection":          {unit: "image", flopPerByte: 185, keptPerByte: 0.5, sample: 300e3, source: "as convolutional networks"},
	"vision-transformer": {unit: "image", flopPerByte: 300, keptPerByte: 1, sample: 110e3, source: "transformer block shapes; 110 kB JPEG"},
	"diffusion":          {unit: "image step", flopPerByte: 300, keptPerByte: 1, sample: 110e3, source: "transformer block shapes"},
	"speech":             {unit: "utterance", flopPerByte: 300, keptPerByte: 1, sample: 480e3, source: "transformer block shapes; 15 s of 16 kHz 16-bit audio"},
	"encoder-decoder":    {unit: "token", flopPerByte: 300, keptPerByte: 1, sample: 4, source: "transformer block shapes"},
	"recommender":        {unit: "query", bytes: 214 * 128 * 4, keptPerByte: 1, sample: 160, touched: 214 * 128, source: "DLRM-DCNv2 look-ups; Criteo row of 40 4-byte fields"},
	"gbdt":               {unit: "row", flopPerByte: 0.5, sample: 160, source: "complexity of the algorithm"},
	"random-forest":      {unit: "row", flopPerByte: 0.5, sample: 160, source: "complexity of the algorithm"},
	"linear":             {unit: "row", flopPerByte: 0.5, sample: 4000, source: "complexity of the algorithm; 1000 4-byte features"},
	"clustering":         {unit: "row", flopPerByte: 0.5, sample: 400, source: "complexity of the algorithm; 100 4-byte features"},
}

func genericCard(a Architecture, m *hardware.Model) (Architecture, error) {
	if !m.FlopsPerSample.Known() || m.FlopsPerSample.V <= 0 {
		return a, fmt.Errorf("model %q: kind %q is known by totals only, and its operations per sample are missing: give flops_per_sample, bytes_per_sample and params", m.ID, m.Kind)
	}
	t, ok := genericTraffic[m.Kind]
	if !ok {
		return a, fmt.Errorf("model %q: nothing is known of the memory traffic of kind %q: give bytes_per_sample", m.ID, m.Kind)
	}
	g := &Generic{Unit: t.unit, FlopsPerSample: m.FlopsPerSample.V, BytesPerSample: t.bytes, SampleBytes: t.sample,
		Params: m.Params.V, TouchedParams: min(t.touched, m.Params.V), BytesSource: t.source, BytesSourceAssumed: true}
	if t.flopPerByte > 0 {
		g.BytesPerSample = g.FlopsPerSample / t.flopPerByte
	}
	g.ActivationBytes = t.keptPerByte * g.BytesPerSample
	a.Layers, a.Generic = 0, g
	return a, a.Validate()
}
