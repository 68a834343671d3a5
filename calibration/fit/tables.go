package fit

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"aisim/hardware/profile"
	"aisim/topology/collective"
)

// Calls reads the published tables of collectives under a data directory: those of
// aiconfigurator, APEX+ and Vidur. Missing files are left out.
func Calls(data fs.FS, class string) ([]Call, error) {
	var out []Call
	for _, read := range []func(fs.FS, string) ([]Call, error){aiconfigurator, apexPlus, vidur} {
		calls, err := read(data, class)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		out = append(out, calls...)
	}
	return out, nil
}

func table(data fs.FS, name string) (rows [][]string, col map[string]int, err error) {
	f, err := data.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	rows, err = csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, nil, fmt.Errorf("fit: %s: %w", name, err)
	}
	if len(rows) == 0 {
		return nil, nil, fmt.Errorf("fit: %s is empty", name)
	}
	col = map[string]int{}
	for i, h := range rows[0] {
		col[h] = i
	}
	return rows[1:], col, nil
}

func number(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return -1
	}
	return v
}

var opOf = map[string]collective.Op{"all_reduce": collective.AllReduce, "all_gather": collective.AllGather, "reduce_scatter": collective.ReduceScatter,
	"alltoall": collective.AllToAll, "sendrecv": collective.SendRecv}

// aiconfigurator: message_size counts elements; int8 cannot be reduced in the switch.
func aiconfigurator(data fs.FS, class string) ([]Call, error) {
	rows, col, err := table(data, "inference/aiconfigurator/comm_nccl_and_custom_allreduce.csv")
	if err != nil {
		return nil, err
	}
	systems := map[string]string{"a100_sxm": "nvlink3", "h100_sxm": "nvlink4", "h200_sxm": "nvlink4", "b200_sxm": "nvlink5"}
	var out []Call
	for _, r := range rows {
		op, known := opOf[r[col["op"]]]
		if systems[r[col["system"]]] != class || !strings.HasPrefix(r[col["lib"]], "nccl") || !known {
			continue
		}
		half := r[col["dtype"]] == "half"
		bytes := number(r[col["message_size"]])
		if half {
			bytes *= 2
		}
		out = append(out, Call{op, int(number(r[col["num_gpus"]])), bytes, number(r[col["latency_ms"]]) * 1e-3, half, "aiconfigurator " + r[col["system"]]})
	}
	return out, nil
}

// apexPlus: sizes in KiB, whole microseconds; the H200 system ran without in-switch
// reduction; tables of several nodes are of a cloud without RDMA and left out.
func apexPlus(data fs.FS, class string) ([]Call, error) {
	systems := map[string][]string{"nvlink4": {"H100-SXM-80GB", "H200-SXM-141GB"}, "pcie": {"V100-PCIE-16GB"}}
	var out []Call
	for _, system := range systems[class] {
		for _, name := range []string{"all_reduce", "all_gather", "reduce_scatter", "alltoall", "sendrecv"} {
			rows, col, err := table(data, "inference/apex-plus/comm_"+system+"_"+name+".csv")
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				kib, us := number(r[col["size(kb)"]]), number(r[col["time(us)"]])
				chips := int(number(r[col["num_gpus_per_node"]]))
				if r[col["num_nodes"]] != "1" || kib < 1 || us <= 0 || chips < 2 {
					continue
				}
				if system == "H100-SXM-80GB" && name == "all_gather" && chips == 8 && us == 555 {
					continue // 64 MiB in 555 µs, its twin takes 201
				}
				out = append(out, Call{opOf[name], chips, kib * 1024, us * 1e-6, system == "H100-SXM-80GB", "apex-plus " + system})
			}
		}
	}
	return out, nil
}

// vidur: medians in milliseconds; below 8 MB they show the host, not the link.
func vidur(data fs.FS, class string) ([]Call, error) {
	files := map[string]string{"nvlink3": "inference/vidur/network_a100_dgx_all_reduce_trim.csv", "nvlink4": "inference/vidur/network_h100_dgx_all_reduce_trim.csv"}
	if files[class] == "" {
		return nil, nil
	}
	rows, col, err := table(data, files[class])
	if err != nil {
		return nil, err
	}
	var out []Call
	for i, r := range rows {
		workers, per := number(r[col["num_workers"]]), number(r[col["devices_per_node"]])
		bytes := number(r[col["size"]])
		if workers != per || bytes < 8e6 || r[col["rank"]] != "0" || i%8 != 0 {
			continue
		}
		out = append(out, Call{collective.AllReduce, int(workers), bytes, number(r[col["all_reduce.median"]]) * 1e-3, true, "vidur " + class})
	}
	return out, nil
}

// Networks are the generations of networks with published runs over two hosts, and those
// runs: there is no other table of them than the validation table itself.
func Networks(data fs.FS, links map[string]profile.LinkParams) ([]Fabric, [][]Call, error) {
	rows, col, err := table(data, "validation/collectives.csv")
	if err != nil {
		return nil, nil, err
	}
	fabrics := []Fabric{
		{Class: "efa1", Kind: "switch", BytesPerSec: 300e9, Hosts: 2, NICs: 8, NICBytesPerSec: 50e9 / 8, ScaleUp: links["nvlink3"]},
		{Class: "efa", Kind: "switch", BytesPerSec: 450e9, InSwitch: true, Hosts: 2, NICs: 8, NICBytesPerSec: 50e9, ScaleUp: links["nvlink4"]},
	}
	families := []string{"aws-p4de-", "aws-p5-"}
	calls := make([][]Call, len(fabrics))
	for _, r := range rows {
		for i, family := range families {
			if strings.HasPrefix(r[col["id"]], family) {
				calls[i] = append(calls[i], Call{collective.AllReduce, 16, number(r[col["size_bytes"]]), number(r[col["time_us"]]) * 1e-6, true, family})
			}
		}
	}
	return fabrics, calls, nil
}
