// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"
)

// maxGPUs bounds the devices of one service; no Container has more.
const maxGPUs = 64

func itoa(n uint16) string { return strconv.Itoa(int(n)) }

// resourcesOf reads the compute profile that the deployment of a service names.
func (s *sdl) resourcesOf(name string) Resources {
	at := s.deployed[name]
	profile := ""
	for _, e := range at.entries() {
		switch e.key {
		case "profile":
			profile, _ = e.value.text("the name of a compute profile")
		case "count":
			if count, ok := e.value.whole(1, 1<<20); ok && count > 1 {
				e.value.refusef("count", "more than one replica of a service is not offered; open a lease for each")
			}
		default:
			e.unknown("profile, count")
		}
	}
	if profile == "" {
		at.errorf("profile is missing; expected one of %s", names(s.compute))
		return Resources{}
	}
	v, ok := s.compute[profile]
	if !ok {
		at.errorf("there is no compute profile %q; expected one of %s", profile, names(s.compute))
		return Resources{}
	}
	for _, e := range v.entries() {
		if e.key == "resources" {
			return s.resources(e.value)
		}
		e.unknown("resources")
	}
	v.errorf("resources is missing; expected cpu, memory and storage")
	return Resources{}
}

func (s *sdl) resources(v value) Resources {
	var r Resources
	seen := map[string]bool{}
	for _, e := range v.entries() {
		seen[e.key] = true
		switch e.key {
		case "cpu":
			r.CPUMilli = e.value.one("units", `cpu: {units: 0.5}`, value.cpuMilli)
		case "memory":
			r.MemoryMiB = e.value.one("size", `memory: {size: 512Mi}`, value.sizeMiB)
		case "storage":
			r.DiskMiB = e.value.storage()
		case "gpu":
			s.gpu(e.value, &r)
		case "id":
		default:
			e.unknown("cpu, memory, storage, gpu")
		}
	}
	for _, key := range []string{"cpu", "memory", "storage"} {
		if !seen[key] {
			v.errorf("%s is missing; expected cpu, memory and storage", key)
		}
	}
	return r
}

// one reads a mapping in which a single key counts; attributes next to it have no effect.
func (v value) one(key, want string, read func(value) uint64) uint64 {
	var n uint64
	found := false
	for _, e := range v.entries() {
		switch e.key {
		case key:
			n, found = read(e.value), true
		case "attributes":
			e.value.attributes()
		default:
			e.unknown(key + ", attributes")
		}
	}
	if !found {
		v.errorf("%s is missing; expected %s", key, want)
	}
	return n
}

func (v value) attributes() {
	for _, e := range v.entries() {
		if e.key == "arch" {
			e.value.refusef("cpu-arch", "choosing the CPU architecture is not offered")
			continue
		}
		e.value.warnf("attribute ignored")
	}
}

// storage reads one volume or a list of them and returns their sum: all of it is the root file system's.
func (v value) storage() uint64 {
	n := v.resolve()
	if n == nil {
		return 0
	}
	volumes := []value{v}
	if n.Kind != yaml.MappingNode {
		volumes = v.items()
	}
	if len(volumes) == 0 {
		v.errorf("expected storage: {size: 1Gi} or a list of such volumes")
	}
	var sum uint64
	var seen []string
	for _, volume := range volumes {
		name, found := "default", false
		for _, e := range volume.entries() {
			switch e.key {
			case "size":
				sum, found = sum+e.value.sizeMiB(), true
			case "name":
				name, _ = e.value.text("the name of a volume")
			case "attributes":
				e.value.storageAttributes()
			default:
				e.unknown("size, name, attributes")
			}
		}
		if !found {
			volume.errorf("size is missing; expected {size: 1Gi}")
		}
		if slices.Contains(seen, name) {
			volume.errorf("there are two volumes of the name %q; give each its own", name)
		}
		seen = append(seen, name)
	}
	return sum
}

func (v value) storageAttributes() {
	persistent, class := false, ""
	for _, e := range v.entries() {
		switch e.key {
		case "persistent":
			persistent = e.value.flag()
		case "class":
			class, _ = e.value.text("a storage class")
		default:
			e.unknown("persistent, class")
		}
	}
	switch {
	case persistent:
		v.refusef("persistent-storage", "volumes that outlive their container are not offered")
	case class == "ram":
		v.refusef("ram-storage", "volumes in memory are not offered")
	case class != "" && class != "default":
		v.refusef("storage-class", "the storage class %q is not offered", class)
	}
}

func (s *sdl) gpu(v value, r *Resources) {
	var choices []GPU
	for _, e := range v.entries() {
		switch e.key {
		case "units":
			n, _ := e.value.whole(0, maxGPUs)
			r.GPUs = uint32(n)
		case "attributes":
			for _, a := range e.value.entries() {
				if a.key == "vendor" {
					choices = a.value.vendors()
				} else {
					a.unknown("vendor")
				}
			}
		default:
			e.unknown("units, attributes")
		}
	}
	if r.GPUs == 0 {
		return
	}
	s.narrow(v, r, choices)
}

// narrow writes the choices into the canonical form: one vendor, its models, and the least memory of all choices.
func (s *sdl) narrow(v value, r *Resources, choices []GPU) {
	anyModel := slices.ContainsFunc(choices, func(g GPU) bool { return g.Model == "" })
	for i, g := range choices {
		if i == 0 {
			r.GPUVendor, r.GPUVRAMMiB = g.Vendor, g.VRAMMiB
		}
		if g.Vendor != r.GPUVendor {
			v.refusef("several-gpu-vendors", "one lease is of one GPU vendor; the file leaves %s and %s", r.GPUVendor, g.Vendor)
			return
		}
		r.GPUVRAMMiB = min(r.GPUVRAMMiB, g.VRAMMiB)
		if !anyModel && !slices.Contains(r.GPUModels, g.Model) {
			r.GPUModels = append(r.GPUModels, g.Model)
		}
	}
	slices.Sort(r.GPUModels)
	if len(s.file.GPUs) > 0 && !slices.Equal(s.file.GPUs, choices) {
		v.refusef("several-gpu-kinds", "one lease is of one kind of GPU; services of this file ask for different ones")
		return
	}
	s.file.GPUs = choices
}

// vendors reads {nvidia: [{model: h100, ram: 80Gi, interface: sxm}]}; a vendor without a list means any model.
func (v value) vendors() []GPU {
	var out []GPU
	for _, vendor := range v.entries() {
		models := vendor.value.items()
		if len(models) == 0 {
			out = append(out, GPU{Vendor: vendor.key})
		}
		for _, m := range models {
			g := GPU{Vendor: vendor.key}
			for _, e := range m.entries() {
				switch e.key {
				case "model":
					if g.Model, _ = e.value.text("a model such as rtx4090"); g.Model == "*" {
						g.Model = ""
					}
				case "ram":
					g.VRAMMiB = e.value.sizeMiB()
				case "interface":
					g.Interface, _ = e.value.text("pcie or sxm")
				default:
					e.unknown("model, ram, interface")
				}
			}
			out = append(out, g)
		}
	}
	if len(out) == 0 {
		v.errorf("expected a vendor, such as vendor: {nvidia: [{model: rtx4090}]}")
	}
	return out
}
