package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"aisim/internal/units"
	"aisim/storage/crush"
)

// crushOptions are the flags of `aisim crush`.
type crushOptions struct {
	test                      crush.Test
	x, shards, workers        int
	weights, objects          []string
	compare, dump, tree, df   string
	pool                      string
	fullRatio                 float64
	showPGs, capacity, inPool bool
}

func (p *program) crush() *cobra.Command {
	o := crushOptions{}
	cmd := &cobra.Command{Use: "crush MAP.txt", Short: "Place data by a Ceph CRUSH map exactly as Ceph does",
		Long: `Crush maps inputs by a CRUSH map in text form (crushtool -d) and prints lines in the form
of crushtool --test, so that the two can be compared with diff. It also tells what
moves when another map takes over, which OSD is full first, and where the objects and
placement groups of a pool lie. A map that cannot be read gives the line at fault, and
exit code 5.`,
		Example: `  aisim crush map.txt --rule 0 --num-rep 3 --max-x 1023 --weight 5=0 --show-mappings
  aisim crush map.txt --rule 0 --num-rep 3 --compare grown.txt --show-capacity
  aisim crush map.txt --osd-dump dump.json --pool rbd --object foo --show-capacity`,
		Args: exactly("MAP.txt"),
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			return o.check(cmd)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.runCrush(cmd, args[0], &o)
		}}
	f := cmd.Flags()
	f.IntVar(&o.test.Rule, "rule", -1, "map by rule `R` (default: all rules)")
	f.IntVar(&o.test.Size, "num-rep", -1, "OSDs `N` per input (default: the rule's min_size to max_size)")
	f.IntVar(&o.test.MinX, "min-x", 0, "first input `A`")
	f.IntVar(&o.test.MaxX, "max-x", 1023, "last input `B`")
	f.IntVar(&o.x, "x", 0, "the only input `X`")
	f.Int64Var(&o.test.Pool, "pool-id", -1, "hash the inputs with pool `ID`, as placement groups are")
	f.StringArrayVar(&o.weights, "weight", nil, "reweight `OSD=W`: 0 is out, 1 is in; may be repeated")
	f.BoolVar(&o.test.Mappings, "show-mappings", false, "print the OSDs of every input")
	f.BoolVar(&o.test.BadMappings, "show-bad-mappings", false, "print results that are short or have holes")
	f.BoolVar(&o.test.Statistics, "show-statistics", false, "print how many results have which length")
	f.BoolVar(&o.test.Utilization, "show-utilization", false, "print what every OSD stores, beside what is expected")
	f.BoolVar(&o.test.UtilizationAll, "show-utilization-all", false, "the same with OSDs that store nothing")
	f.BoolVar(&o.capacity, "show-capacity", false, "print the first OSD that is full, and the data that fits until then")
	f.BoolVar(&o.showPGs, "show-pgs", false, "print the OSDs and the primary of every placement group of --pool")
	f.Float64Var(&o.fullRatio, "full-ratio", crush.FullRatio, "part `F` of an OSD that may be filled")
	f.IntVar(&o.shards, "data-shards", 1, "data shards `K` of an erasure-coded rule, for --show-capacity")
	f.StringVar(&o.compare, "compare", "", "print what moves when the map `OTHER` takes over")
	f.StringVar(&o.dump, "osd-dump", "", "`FILE` of ceph osd dump --format json: pools, states, upmaps")
	f.StringVar(&o.tree, "osd-tree", "", "`FILE` of ceph osd tree --format json: states and reweights")
	f.StringVar(&o.df, "osd-df", "", "`FILE` of ceph osd df --format json: sizes, use and reweights")
	f.StringVar(&o.pool, "pool", "", "`NAME` or number of a pool of --osd-dump")
	f.StringArrayVar(&o.objects, "object", nil, "print where object `NAME` of --pool lies; may be repeated")
	f.IntVar(&o.workers, "workers", 0, "`N` threads, 0 for all CPUs; the output is the same for any")
	return cmd
}

// check refuses flags that make no sense together.
func (o *crushOptions) check(cmd *cobra.Command) error {
	at, set := cmd.CommandPath(), cmd.Flags().Changed
	if set("x") {
		if set("min-x") || set("max-x") {
			return usage(at, "give --x, or --min-x and --max-x", "--x is given with a range")
		}
		o.test.MinX, o.test.MaxX = o.x, o.x
	}
	t := &o.test
	o.inPool = o.pool != ""
	shown := t.Mappings || t.BadMappings || t.Statistics || t.Utilization || t.UtilizationAll
	switch {
	case !shown && !o.capacity && !o.showPGs && o.compare == "" && len(o.objects) == 0:
		return usage(at, "add --show-mappings, --show-utilization, --show-capacity or another --show", "nothing is asked for")
	case t.MinX < 0 || t.MaxX > math.MaxInt32:
		return usage(at, "inputs are 0 to 2147483647", "the inputs are %d..%d", t.MinX, t.MaxX)
	case t.Size < -1 || t.Size > 1<<15:
		return usage(at, "give 0 to 32768", "--num-rep is %d", t.Size)
	case o.workers < 0:
		return usage(at, "give 1 or more, or 0 for all CPUs", "--workers is %d", o.workers)
	case !(o.fullRatio > 0 && o.fullRatio <= 1):
		return usage(at, "give more than 0 and at most 1", "--full-ratio is %g", o.fullRatio)
	case o.shards < 1:
		return usage(at, "give 1 for replicas, k for k+m", "--data-shards is %d", o.shards)
	case o.inPool && o.dump == "":
		return usage(at, "add --osd-dump", "--pool names a pool of an OSD map, and there is none")
	case !o.inPool && (o.showPGs || len(o.objects) > 0):
		return usage(at, "add --osd-dump and --pool", "objects and placement groups are those of a pool")
	case (o.compare != "" || o.capacity && !o.inPool) && (t.Rule < 0 || t.Size < 1):
		return usage(at, "add --rule and --num-rep", "movement and capacity are those of one rule and size")
	}
	if o.workers == 0 {
		o.workers = runtime.GOMAXPROCS(0)
	}
	return nil
}

// data reads an input file; - is standard input.
func (p *program) data(path string) ([]byte, error) {
	var data []byte
	var err error
	if path == "-" {
		data, err = io.ReadAll(p.stdin)
	} else {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, &fault{exitData, "the file cannot be read: " + cause(err), path, ""}
	}
	return data, nil
}

func (p *program) crushMap(path string) (*crush.Map, error) {
	text, err := p.data(path)
	if err != nil {
		return nil, err
	}
	m, err := crush.Parse(text)
	var s *crush.SyntaxError
	if errors.As(err, &s) {
		return nil, &fault{exitData, "the map cannot be read: " + s.Reason, fmt.Sprintf("%s:%d", path, s.Line), "a text map is wanted, as crushtool -d prints it"}
	}
	return m, err
}

func (p *program) runCrush(cmd *cobra.Command, path string, o *crushOptions) error {
	m, err := p.crushMap(path)
	if err != nil {
		return err
	}
	c := crush.NewCluster(m)
	fills := m.Fills()
	for _, in := range []struct {
		path string
		read func([]byte) error
	}{{o.dump, c.ReadDump}, {o.tree, c.ReadTree}, {o.df, func(b []byte) (err error) { fills, err = c.ReadDF(b); return err }}} {
		if in.path == "" {
			continue
		}
		data, err := p.data(in.path)
		if err == nil {
			err = in.read(data)
		}
		if err != nil {
			var f *fault
			if errors.As(err, &f) {
				return err
			}
			return &fault{exitData, strings.TrimPrefix(err.Error(), "crush: "), in.path, ""}
		}
	}
	states := o.dump != "" || o.tree != "" || o.df != ""
	o.test.Reweight = reweights(m, c, states)
	if err := p.reweight(cmd, c, o); err != nil {
		return err
	}
	if o.test.Rule >= 0 {
		if _, err := m.RuleByID(o.test.Rule); err != nil {
			return usage(cmd.CommandPath(), "name a rule of the map", "%s", strings.TrimPrefix(err.Error(), "crush: "))
		}
	}
	failed := func(err error) error {
		return &fault{exitFailed, strings.TrimPrefix(err.Error(), "crush: "), path, ""}
	}
	if t := &o.test; t.Mappings || t.BadMappings || t.Statistics || t.Utilization || t.UtilizationAll {
		if err := t.Write(p.stdout, m, o.workers); err != nil {
			return failed(err)
		}
	}
	var out bytes.Buffer
	if o.compare != "" {
		other, err := p.crushMap(o.compare)
		if err != nil {
			return err
		}
		if err := o.movement(&out, m, other, c, states); err != nil {
			return failed(err)
		}
	}
	if o.inPool {
		pool, err := c.Pool(o.pool)
		if err != nil {
			return usage(cmd.CommandPath(), "name a pool of --osd-dump", "%s", strings.TrimPrefix(err.Error(), "crush: "))
		}
		if err := o.placements(&out, c, pool, fills); err != nil {
			return failed(err)
		}
	} else if o.capacity {
		in, err := o.inputs(m, o.test.Reweight)
		if err != nil {
			return failed(err)
		}
		tally, err := m.Tally(in, o.workers)
		if err != nil {
			return failed(err)
		}
		if err := o.writeCapacity(&out, c, tally.Stored, int64(o.test.MaxX-o.test.MinX+1), o.shards, fills); err != nil {
			return failed(err)
		}
	}
	return p.print(out.Bytes())
}

// reweights are those of the imported states, as far as a map has OSDs; without states all are in.
func reweights(m *crush.Map, c *crush.Cluster, states bool) []uint32 {
	w := m.InWeights()
	if states {
		for i := range w {
			if i < len(c.OSDs) {
				w[i] = c.OSDs[i].Reweight
			}
		}
	}
	return w
}

// reweight applies the --weight flags.
func (p *program) reweight(cmd *cobra.Command, c *crush.Cluster, o *crushOptions) error {
	for _, s := range o.weights {
		id, w, ok := strings.Cut(s, "=")
		osd, err := strconv.Atoi(id)
		v, err2 := strconv.ParseFloat(w, 32)
		if !ok || err != nil || err2 != nil || osd < 0 || math.IsNaN(v) {
			return usage(cmd.CommandPath(), "write it as 5=0.85: the OSD's number and its reweight", "--weight %q makes no sense", s)
		}
		if osd >= len(o.test.Reweight) {
			p.note("the map has no osd.%d: its --weight changes nothing", osd)
			continue
		}
		o.test.Reweight[osd] = crush.Reweight(float32(v))
		if osd < len(c.OSDs) {
			c.OSDs[osd].Reweight = o.test.Reweight[osd]
		}
	}
	return nil
}

func (o *crushOptions) inputs(m *crush.Map, reweight []uint32) (crush.Inputs, error) {
	r, err := m.RuleByID(o.test.Rule)
	return crush.Inputs{Rule: r, Size: o.test.Size, MinX: o.test.MinX, MaxX: o.test.MaxX, Reweight: reweight, Pool: o.test.Pool}, err
}

// movement prints what moves from one map to the other. The first line is crushtool's.
func (o *crushOptions) movement(out *bytes.Buffer, m, other *crush.Map, c *crush.Cluster, states bool) error {
	from, err := o.inputs(m, o.test.Reweight)
	if err != nil {
		return err
	}
	weights := reweights(other, c, states)
	if states || len(o.weights) > 0 {
		copy(weights, o.test.Reweight)
	}
	to, err := o.inputs(other, weights)
	if err != nil {
		return fmt.Errorf("%s: %w", o.compare, err)
	}
	v, err := crush.Compare(m, other, from, to, o.workers)
	if err != nil {
		return err
	}
	share := func(a, b int64) float64 { return float64(a) / float64(max(b, 1)) }
	fmt.Fprintf(out, "rule %d had %d/%d mismatched mappings (%.6g)\n", o.test.Rule, v.Changed, v.Inputs, share(v.Changed, v.Inputs))
	fmt.Fprintf(out, "moved %d of %d places (%.4g), %d of them were empty\n", v.Moved, v.Places, share(v.Moved, v.Places), v.Filled)
	for osd := range v.In {
		if v.In[osd]+v.Out[osd] > 0 {
			fmt.Fprintf(out, "  osd.%d:\t in : %d\t out : %d\n", osd, v.In[osd], v.Out[osd])
		}
	}
	return nil
}

// placements prints objects, placement groups and capacity of a pool.
func (o *crushOptions) placements(out *bytes.Buffer, c *crush.Cluster, pool *crush.Pool, fills []crush.Fill) error {
	placer, err := c.Placer(pool)
	if err != nil {
		return err
	}
	var osds []int32
	primary := int32(0)
	for _, name := range o.objects {
		pg := pool.PG(name, "", "")
		osds, _ = placer.Up(pg, osds)
		fmt.Fprintf(out, "object '%s' -> %d.%x -> %s\n", name, pool.ID, pg, osdList(osds))
	}
	if !o.showPGs && !o.capacity {
		return nil
	}
	stored := make([]int64, len(c.OSDs))
	for pg := range pool.PGs {
		osds, primary = placer.Up(pg, osds)
		if o.showPGs {
			fmt.Fprintf(out, "%d.%x\t%s\t%d\n", pool.ID, pg, osdList(osds), primary)
		}
		for _, osd := range osds {
			if osd != crush.None {
				stored[osd]++
			}
		}
	}
	if !o.capacity {
		return nil
	}
	return o.writeCapacity(out, c, stored, int64(pool.PGs), pool.Shards, fills)
}

func osdList(osds []int32) string { return strings.ReplaceAll(fmt.Sprint(osds), " ", ",") }

func (o *crushOptions) writeCapacity(out *bytes.Buffer, c *crush.Cluster, stored []int64, groups int64, shards int, fills []crush.Fill) error {
	v, err := crush.CapacityOf(stored, groups, shards, fills, o.fullRatio)
	if err != nil {
		return err
	}
	out.Write(asTable([][]string{
		{"first full", fmt.Sprintf("%s, with %d of %d placement groups", c.Map.Name(int32(v.FirstFull)), stored[v.FirstFull], groups)},
		{"usable", units.Format(v.UsableBytes, units.Bytes) + " of client data until then"},
		{"if all filled evenly", units.Format(v.EvenBytes, units.Bytes)},
	}))
	return nil
}
