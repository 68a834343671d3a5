package validate

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"aisim/hardware"
	"aisim/workloads/training"
)

// unpredictable is why no model supports a row's metric; "" otherwise.
func unpredictable(row Row) string {
	if strings.HasPrefix(row.Text("metric"), "time_to_train") {
		return "time to train needs the samples that the run took to its target, which the row does not say"
	}
	return ""
}

// read understands a row, or says what it lacks.
func (k *trainings) read(row Row) (*run, error) {
	r := &run{row: row, model: row.Text("model")}
	n, err := whole(row, "chips", "chips_per_node", "seq_len", "global_batch_seqs", "micro_batch", "tp", "pp", "vp", "cp", "ep", "dp")
	if err != nil {
		return nil, err
	}
	if r.chips = n["chips"]; r.chips < 1 || r.chips > 1<<18 {
		return nil, refuse("the row does not say how many chips took part")
	}
	if r.machine.accelerator, err = k.accelerator(row.Text("chip")); err != nil {
		return nil, err
	}
	source := strings.ToLower(row.Text("source") + " " + row.Text("notes"))
	r.mlperf = strings.Contains(source, "mlperf") || strings.Contains(source, "mlcommons")
	arch, err := k.architecture(r)
	if err != nil {
		return nil, err
	}
	r.cfg.Arch = arch
	if err := r.format(); err != nil {
		return nil, err
	}
	if err := r.framework(); err != nil {
		return nil, err
	}
	if err := r.machine.read(r, n["chips_per_node"]); err != nil {
		return nil, err
	}
	if err := r.batch(n); err != nil {
		return nil, err
	}
	if arch.Generic != nil {
		return r, r.generic()
	}
	if err := r.adapters(); err != nil {
		return nil, err
	}
	if err := r.recompute(); err != nil {
		return nil, err
	}
	r.sharding(n)
	r.split(n)
	return r, nil
}

// format reads the number format of the linear layers.
func (r *run) format() error {
	text := strings.ToLower(r.row.Text("precision"))
	if i := strings.IndexByte(text, '('); i > 0 {
		text = text[:i]
	}
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	dev := r.machine.accelerator.Peak
	switch {
	case has("nvfp4", "mxfp4", "fp4"):
		r.cfg.Precision, r.cfg.BlockScaled = hardware.FP4, true
	case has("mxfp8", "fp8-mx", "fp8 mx", "fp8_mx"):
		r.cfg.Precision, r.cfg.BlockScaled = hardware.FP8, true
	case has("fp8", "float8"):
		r.cfg.Precision = hardware.FP8
	case has("bf16", "bfloat16"):
		r.cfg.Precision = hardware.BF16
	case has("fp16", "float16", "amp", "mixed"):
		r.cfg.Precision = hardware.FP16
	case has("tf32"):
		r.cfg.Precision = hardware.TF32
	case has("fp32", "float32"):
		r.cfg.Precision = hardware.FP32
	case text == "" && r.mlperf && r.cfg.Arch.Generic == nil && dev[hardware.FP8].Known() && r.cfg.Arch.Params() > 1e10:
		r.cfg.Precision = hardware.FP8
		r.assume("precision fp8 linear layers, as large MLPerf submissions run where the chip has it")
	case text == "":
		r.cfg.Precision = hardware.BF16
		r.assume("precision bf16")
	default:
		return refuse("precision %q is not known", r.row.Text("precision"))
	}
	if r.cfg.Precision == hardware.BF16 && !dev[hardware.BF16].Known() && dev[hardware.FP16].Known() {
		r.cfg.Precision = hardware.FP16
		r.assume("fp16: the chip has no bf16")
	}
	return nil
}

// batch reads the work of a step.
func (r *run) batch(n map[string]int) error {
	b := &r.cfg.Batch
	b.Global, b.Seq, b.Micro = n["global_batch_seqs"], n["seq_len"], n["micro_batch"]
	if m := r.cfg.Arch.MaxSeq; b.Seq < 1 && r.cfg.Arch.Causal && m > 0 && m <= usualMaxSeq && meters[r.row.Text("metric")].scale == Rate {
		b.Seq = m // what the model was made for; later models are trained on less than they can take, encoders on sequences as they come
		r.assume("sequences of %d tokens, the model's length", m)
	}
	if b.Seq < 1 && r.cfg.Arch.Generic == nil {
		return refuse("the row has no seq_len")
	}
	if b.Global < 1 {
		// A rate hardly moves with the batch once that is large; a step's time is the batch.
		if m := meters[r.row.Text("metric")]; m.scale != Rate || r.row.Text("metric") == "steps_per_s" || r.cfg.Arch.Generic != nil {
			return refuse("the row has no global_batch_seqs")
		}
		tokens := float64(usualBatchTokens)
		if n := batchOfTokens.FindStringSubmatch(r.row.Text("notes")); n != nil {
			v, _ := strconv.ParseFloat(n[1], 64)
			tokens = v * (1 << 20)
		}
		b.Global = max(1, int(tokens)/b.Seq/r.chips) * r.chips
		r.assume("a batch of %d sequences", b.Global)
	}
	return nil
}

// usualMaxSeq is the longest context that models were pre-trained on throughout.
const usualMaxSeq = 4096

// usualBatchTokens is the batch taken for a rate whose row states none: that of GPT-3's
// and Llama's recipes.
const usualBatchTokens = 4 << 20

var batchOfTokens = regexp.MustCompile(`batch (\d+(?:\.\d+)?) ?M tokens`)

var adapterRank = regexp.MustCompile(`(?:\brank|\br\s*=)\s*=?\s*(\d+)`)

// adapterRankUsual is the rank of MLPerf's and NeMo's recipes.
const adapterRankUsual = 16

// adapters reads whether only LoRA adapters are trained.
func (r *run) adapters() error {
	text := strings.ToLower(r.row.Text("notes") + " " + r.row.Text("model") + " " + r.row.Text("framework") + " " + r.row.Text("workload"))
	if strings.Contains(text, "qlora") {
		return refuse("QLoRA's 4-bit base weights are not modelled")
	}
	if !strings.Contains(text, "lora") || strings.Contains(text, "no lora") || strings.Contains(text, "without lora") {
		return nil
	}
	r.cfg.Adapter = adapterRankUsual
	if m := adapterRank.FindStringSubmatch(text[strings.Index(text, "lora"):]); m != nil {
		r.cfg.Adapter, _ = strconv.Atoi(m[1])
	} else {
		r.assume("adapters of rank %d", adapterRankUsual)
	}
	return nil
}

// recompute reads which activations are thrown away.
func (r *run) recompute() error {
	text := strings.ToLower(r.row.Text("recompute"))
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	switch {
	case text == "" || text == "none" || text == "no":
		if text == "" {
			r.assume("recompute none")
		}
	case has("minimal", "save_dot_with"):
		r.cfg.Recompute = training.RecomputeMinimal
	case has("qkv_proj", "save_dot_except", "save_out_proj"):
		r.cfg.Recompute = training.RecomputeMLP
	case has("selective"):
		r.cfg.Recompute = training.RecomputeSelective
	case has("full"):
		r.cfg.Recompute = training.RecomputeFull
	default:
		return refuse("recompute %q is not modelled: none, selective, minimal, save_qkv_proj, full", r.row.Text("recompute"))
	}
	if has("sequence parallel") {
		r.cfg.SequenceParallel = true
	}
	return nil
}

// sharding reads what is spread over data ranks.
func (r *run) sharding(n map[string]int) {
	text := strings.ToLower(r.row.Text("zero_or_fsdp"))
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("zero-3", "zero3", "zero 3", "fsdp", "fully sharded", "full shard"):
		r.cfg.ZeRO = 3
	case has("zero-2", "zero2", "zero 2"):
		r.cfg.ZeRO = 2
	case has("zero-1", "zero1", "zero 1", "distributed optimizer", "distopt"):
		r.cfg.ZeRO = 1
	case has("none", "zero-0", "zero0", "ddp"):
		r.cfg.ZeRO = 0
	default:
		r.cfg.ZeRO = r.usualZeRO()
		if n["dp"] != 1 {
			r.assume("ZeRO stage %d", r.cfg.ZeRO)
		}
	}
	if has("hsdp", "hybrid") {
		r.cfg.Parallel.Shards = r.machine.perHost
	}
	if has("inside slice") && r.machine.slices > 1 {
		r.cfg.Parallel.Shards = r.chips / r.machine.slices / max(1, n["tp"])
	}
}

// split reads how the model is split over the chips.
func (r *run) split(n map[string]int) {
	p, b := &r.cfg.Parallel, &r.cfg.Batch
	p.TP, p.PP, p.CP, p.EP, p.VP, p.DP = n["tp"], n["pp"], n["cp"], n["ep"], n["vp"], n["dp"]
	if p.TP == 0 && p.PP == 0 {
		r.free = true
		return
	}
	if p.CP == 0 {
		p.CP = 1
	}
	p.TP, p.PP = max(p.TP, 1), max(p.PP, 1)
	if p.DP == 0 {
		p.DP = r.chips / (p.TP * p.PP * p.CP)
	}
	if p.VP == 0 && p.PP > 1 && r.mlperf && line(r.profile.ID) == "nemo" {
		// MLPerf's NeMo recipes interleave chunks of two layers.
		if per := r.cfg.Arch.Layers / p.PP; per%2 == 0 && per >= 4 && r.cfg.Arch.Layers%p.PP == 0 && p.DP > 0 && (b.Global/max(1, p.DP*max(1, b.Micro)))%p.PP == 0 {
			p.VP = per / 2
			r.assume("vp %d: chunks of two layers", p.VP)
		}
	}
	r.micro()
	r.sequenceParallel()
}

// micro settles the micro-batch where the row leaves it open.
func (r *run) micro() {
	p, b := &r.cfg.Parallel, &r.cfg.Batch
	whole := p.DP > 0 && b.Global%p.DP == 0
	switch {
	case r.profile.ID == "maxtext" && whole && b.Micro != b.Global/p.DP:
		// MaxText counts per chip and runs a step at once.
		b.Micro = b.Global / p.DP
		r.assume("micro-batch %d: the whole step of a replica", b.Micro)
	case b.Micro == 0:
		b.Micro = 1
		r.assume("micro-batch 1")
	}
}

func (r *run) sequenceParallel() {
	if r.cfg.Parallel.TP <= 1 || r.cfg.SequenceParallel {
		return
	}
	switch line(r.profile.ID) {
	case "megatron-core", "megatron-bridge", "nemo", "maxtext", "nanotron", "pytorch-fsdp", "synapseai", "neuron":
		r.cfg.SequenceParallel = true
		r.assume("sequence parallel")
	}
}

// generic settles models that are known by totals per sample.
func (r *run) generic() error {
	b := &r.cfg.Batch
	r.cfg.Parallel = training.Parallel{DP: r.chips}
	if b.Global%r.chips != 0 {
		return refuse("a batch of %d does not spread evenly over %d chips", b.Global, r.chips)
	}
	b.Micro = b.Global / r.chips
	r.cfg.ZeRO = 0
	return nil
}

// frameworkNames turns what tables call a framework into a profile: the first rule of
// which a word occurs.
var frameworkNames = []struct {
	words []string
	id    string
}{
	{[]string{"llm-foundry", "llmfoundry", "composer", "mosaic"}, "llm-foundry"},
	{[]string{"megatron-deepspeed", "megatron deepspeed", "bigscience"}, "megatron-deepspeed"},
	{[]string{"megatron-bridge", "megatron bridge"}, "megatron-bridge"},
	{[]string{"nemo"}, "nemo"},
	{[]string{"nanotron"}, "nanotron"},
	{[]string{"megatron-core", "megatron core", "mcore", "primus"}, "megatron-core"},
	{[]string{"megatron"}, "megatron-lm"},
	{[]string{"maxtext", "jax", "axlearn", "pax", "t5x"}, "maxtext"},
	{[]string{"deepspeed", "zero"}, "deepspeed"},
	{[]string{"torchtitan", "fsdp", "torchtune", "lingua", "fms", "flashattention", "flash-attention", "hugging", "transformers", "accelerate", "lightning", "litgpt", "axolotl", "trl"}, "pytorch-fsdp"},
	{[]string{"pytorch", "torch"}, "pytorch"},
	{[]string{"tensorflow", "keras"}, "tensorflow"},
	{[]string{"synapse", "habana", "gaudi"}, "synapseai"},
	{[]string{"neuron", "nxd", "trainium"}, "neuron"},
	{[]string{"mxnet", "hugectr", "merlin", "dgl", "cuda", "ngc", "mlperf"}, "pytorch"},
}

// framework finds the profile.
func (r *run) framework() error {
	text := strings.ToLower(r.row.Text("framework"))
	large := r.cfg.Arch.Generic == nil && r.cfg.Arch.Params() > 1e10
	id := ""
	for _, rule := range frameworkNames {
		for _, w := range rule.words {
			if id == "" && strings.Contains(text, w) {
				id = rule.id
			}
		}
	}
	year := r.machine.accelerator.Year
	nvidia := strings.HasPrefix(r.machine.accelerator.ID, "nvidia-")
	switch {
	case r.mlperf && large && nvidia && id != "nemo":
		id = "nemo"
		r.assume("profile nemo: what NVIDIA's MLPerf submissions of large language models run")
	case (id == "megatron-lm" || id == "megatron-core") && r.cfg.Precision.Bytes() < 2:
		id = "megatron-bridge"
		r.assume("profile megatron-bridge: Megatron-Core with Transformer Engine's 8-bit kernels")
	case id == "megatron-lm" && (year >= 2022 || r.cfg.Precision.Bytes() < 2):
		id = "megatron-core"
		r.assume("profile megatron-core: Megatron-LM on chips of %d and later", 2022)
	case id == "" && r.mlperf && r.cfg.Arch.Generic != nil:
		id = "pytorch"
		r.assume("profile pytorch")
	case id == "":
		return refuse("no profile for framework %q: one of %s", r.row.Text("framework"), strings.Join(training.FrameworkIDs(), ", "))
	}
	id = r.release(id, text)
	fw, err := training.FrameworkByID(id)
	if err != nil {
		return fmt.Errorf("line %d: %w", r.row.Line, err)
	}
	r.profile, r.cfg.Framework = fw, id
	return nil
}

var releaseNumber = regexp.MustCompile(`\b(2\d)\.(\d\d)\b`)

// release picks the profile of the release that a row names: the newest that is not
// newer; profiles without a number are the newest.
func (r *run) release(id, text string) string {
	if training.Releases(id) == nil {
		return id
	}
	m := r.round()
	if m == nil {
		m = releaseNumber.FindStringSubmatch(text)
	}
	if m == nil {
		if unnumbered[id] != "" {
			r.assume("profile %s: the row names no release", unnumbered[id])
			return unnumbered[id]
		}
		return id
	}
	for _, older := range training.Releases(id) {
		if m[1]+"."+m[2] <= strings.TrimPrefix(older, id+"-") {
			return older
		}
	}
	return id
}

// unnumbered are the profiles of frameworks that a row names without a release.
var unnumbered = map[string]string{"nemo": "nemo-24.12"}

// rounds are the releases that NVIDIA's submissions to a round of MLPerf Training ran.
var rounds = []struct{ round, year, month string }{
	{"v3.0", "23", "04"}, {"v3.1", "23", "09"}, {"v4.0", "24", "04"}, {"v4.1", "24", "09"}, {"v5.0", "25", "04"}, {"v5.1", "25", "09"},
}

// round is the release of a row's MLPerf round, in the form of releaseNumber's matches.
func (r *run) round() []string {
	text := strings.ToLower(r.row.Text("notes") + " " + r.row.Text("source"))
	if !r.mlperf {
		return nil
	}
	for _, k := range rounds {
		if strings.Contains(text, "training "+k.round) || strings.Contains(text, "results_"+k.round) {
			r.assume("release %s.%s: MLPerf %s", k.year, k.month, k.round)
			return []string{"", k.year, k.month}
		}
	}
	return nil
}

// line is a profile's id without its release.
func line(id string) string {
	if i := releaseNumber.FindStringIndex(id); i != nil {
		return strings.TrimSuffix(id[:i[0]], "-")
	}
	return id
}

// usualZeRO is what a framework shards when nobody says.
func (r *run) usualZeRO() int {
	switch line(r.profile.ID) {
	case "megatron-core", "megatron-bridge", "nemo", "nanotron", "synapseai", "neuron":
		return 1
	case "maxtext", "llm-foundry", "pytorch-fsdp":
		return 3
	case "deepspeed":
		return 2
	}
	return 0
}
