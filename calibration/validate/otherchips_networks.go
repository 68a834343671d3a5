package validate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// network is what one sample of a model asks of a chip.
type network struct {
	words   string // all of them, in the lower-case name without separators
	gflop   float64
	mparams float64
	size    float64 // pixels of a side that gflop holds for; 0: fixed
	family  string
	width   float64
}

// networks are published shapes: GFLOP (two per multiply-add) and millions of weights
// (torchvision and TensorFlow model tables, model papers). The first whose words all
// occur wins.
var networks = []network{
	{"efficientnet edgetpu s", 4.7, 5.4, 0, "cnn", 0}, {"efficientnet edgetpu m", 7.3, 6.9, 0, "cnn", 0}, {"efficientnet edgetpu l", 19.2, 10.6, 0, "cnn", 0},
	{"unet mv2", 0.6, 6.5, 128, "segmentation", 0}, {"deeplab", 5.5, 2.1, 513, "segmentation", 0}, {"densenet", 5.7, 8, 224, "cnn", 0},
	{"inception resnet", 26.4, 55.9, 299, "cnn", 0}, {"inception v1", 3, 6.6, 224, "cnn", 0}, {"inception v2", 4, 11.2, 224, "cnn", 0}, {"inception v3", 11.4, 23.8, 299, "cnn", 0}, {"inception v4", 24.6, 42.7, 299, "cnn", 0},
	{"mobilenet v1 ssd", 1.4, 6.8, 224, "detection", 0}, {"mobilenet v2 ssd", 0.9, 6.1, 224, "detection", 0}, {"ssd mobilenet v1", 2.47, 6.8, 300, "detection", 0}, {"ssd mobilenet v2", 1.6, 6.1, 300, "detection", 0},
	{"mobilenet v1", 1.14, 4.2, 224, "cnn", 0}, {"mobilenet v2", 0.6, 3.5, 224, "cnn", 0}, {"mobilenet v3", 0.44, 5.4, 224, "cnn", 0},
	{"resnet152", 23, 60.2, 224, "cnn", 0}, {"resnet 152", 23, 60.2, 224, "cnn", 0}, {"resnet101", 15.6, 44.5, 224, "cnn", 0}, {"resnet50", 8.2, 25.6, 224, "cnn", 0}, {"resnet 50", 8.2, 25.6, 224, "cnn", 0},
	{"resnet34", 7.3, 21.8, 224, "cnn", 0}, {"resnet18", 3.6, 11.7, 224, "cnn", 0}, {"squeezenet", 0.7, 1.25, 224, "cnn", 0},
	{"vgg11", 15.2, 132.9, 224, "cnn", 0}, {"vgg16", 30.9, 138.4, 224, "cnn", 0}, {"vgg19", 39.3, 143.7, 224, "cnn", 0},
	{"yolov3 tiny", 5.56, 8.9, 416, "detection", 0}, {"yolo v4", 60, 64, 416, "detection", 0}, {"yolov4", 60, 64, 416, "detection", 0}, {"yolov3", 65.8, 62, 416, "detection", 0},
	{"rfdetr nano", 31.9, 30.5, 0, "detr", 0}, {"rfdetr small", 59.8, 32.1, 0, "detr", 0}, {"rfdetr medium", 78.8, 33.7, 0, "detr", 0}, {"rfdetr large", 125.6, 33.9, 0, "detr", 0},
	{"unet", 48, 31, 256, "segmentation", 0},
	{"distilbert", 11.2, 66, 0, "encoder", 768}, {"distilroberta", 11.2, 82, 0, "encoder", 768}, {"albert", 22.4, 12, 0, "encoder", 768},
	{"xlm roberta large", 79, 560, 0, "encoder", 1024}, {"roberta large", 79, 355, 0, "encoder", 1024}, {"bert large", 79, 334, 0, "encoder", 1024}, {"electra large", 79, 335, 0, "encoder", 1024},
	{"electra", 22.4, 109, 0, "encoder", 768}, {"roberta", 22.4, 125, 0, "encoder", 768}, {"camembert", 22.4, 110, 0, "encoder", 768}, {"bert", 22.4, 109, 0, "encoder", 768},
	{"clip vit large", 162, 428, 0, "vit", 1024}, {"clip vit base patch32", 9.5, 151, 0, "vit", 768}, {"vit large", 123, 304, 0, "vit", 1024}, {"vit", 35, 86.6, 0, "vit", 768},
	{"mobilebert", 11.5, 25.3, 0, "encoder", 512}, {"minilm", 5.6, 33, 0, "encoder", 384}, {"mpnet", 22.4, 109, 0, "encoder", 768}, {"deberta", 33, 184, 0, "encoder", 768},
	{"deit small", 9.2, 22, 0, "vit", 384}, {"deit", 35, 86.6, 0, "vit", 768}, {"swin tiny", 9, 28, 0, "vit", 768}, {"swin", 31, 88, 0, "vit", 1024}, {"beit", 35, 86.5, 0, "vit", 768},
	{"perceiver fourier", 814, 48.4, 0, "cnn", 0}, {"perceiver learned", 808, 62.3, 0, "cnn", 0}, {"perceiver conv", 734, 42.1, 0, "cnn", 0},
	{"convnext tiny", 9, 28.6, 224, "cnn", 0}, {"convnext", 30.8, 88.6, 224, "cnn", 0}, {"efficientnet b0", 0.78, 5.3, 224, "cnn", 0}, {"efficientnet b4", 8.4, 19.3, 380, "cnn", 0}, {"efficientnet", 0.78, 5.3, 224, "cnn", 0},
	{"yolov5n", 4.5, 1.9, 640, "detection", 0}, {"yolov5s", 16.5, 7.2, 640, "detection", 0}, {"yolov5m", 49, 21.2, 640, "detection", 0}, {"yolov5l", 109, 46.5, 640, "detection", 0}, {"yolov5x", 206, 86.7, 640, "detection", 0},
	{"yolov8n", 8.7, 3.2, 640, "detection", 0}, {"yolov8s", 28.6, 11.2, 640, "detection", 0}, {"yolov8m", 78.9, 25.9, 640, "detection", 0}, {"yolov8l", 165, 43.7, 640, "detection", 0}, {"yolov8x", 258, 68.2, 640, "detection", 0},
	{"yolo11n", 6.5, 2.6, 640, "detection", 0}, {"yolo11s", 21.5, 9.4, 640, "detection", 0}, {"yolo11m", 68, 20.1, 640, "detection", 0}, {"yolo11l", 86.9, 25.3, 640, "detection", 0}, {"yolo11x", 194.9, 56.9, 640, "detection", 0},
	{"rfdetr base", 109, 29, 0, "detr", 0}, {"detr", 172, 41, 0, "detr", 0},
	{"alexnet", 1.4, 61, 224, "cnn", 0}, {"googlenet", 3, 6.6, 224, "cnn", 0}, {"mnasnet", 0.63, 4.4, 224, "cnn", 0}, {"ssd resnet34", 433, 20, 1200, "detection", 0},
	{"stable diffusion xl", 600e3, 3500, 0, "diffusion", 0}, {"stable diffusion 2 inpainting", 330e3, 900, 0, "diffusion", 0}, {"stable diffusion", 80e3, 980, 0, "diffusion", 0},
}

var (
	networkSeparators = strings.NewReplacer("-", " ", "_", " ", "/", " ", "&", " ")
	imageSize         = regexp.MustCompile(`\b(\d{3})(?:x(\d{3}))?\b`)
	sequenceLength    = regexp.MustCompile(`(?i)seq(?:uence|\.)?[ -]?length=(\d+)`)
)

// networkOf finds a model by name; text may give a sequence length.
func networkOf(name, text string) (network, error) {
	n := strings.ToLower(networkSeparators.Replace(name))
	flat := strings.ReplaceAll(n, " ", "")
	for _, net := range networks {
		all := true
		for _, w := range strings.Fields(net.words) {
			all = all && strings.Contains(flat, w)
		}
		if !all {
			continue
		}
		if m := imageSize.FindStringSubmatch(n); m != nil && net.size > 0 {
			h, _ := strconv.ParseFloat(m[1], 64)
			w := h
			if m[2] != "" {
				w, _ = strconv.ParseFloat(m[2], 64)
			}
			net.gflop *= h * w / (net.size * net.size)
		}
		if m := sequenceLength.FindStringSubmatch(text); m != nil && net.family == "encoder" {
			s, _ := strconv.ParseFloat(m[1], 64)
			net.gflop *= math.Max(1, s) / 128
		}
		return net, nil
	}
	return network{}, fmt.Errorf("model %q: its operations are not known", name)
}
