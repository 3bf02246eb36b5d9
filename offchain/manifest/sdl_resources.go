// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxGPUs bounds the devices of one service; no Container has more.
const maxGPUs = 64

func itoa(n uint16) string { return strconv.Itoa(int(n)) }

// resourcesOf reads the compute profile that the deployment of a service names.
func (s *sdl) resourcesOf(name string) Resources {
	at := s.deployed[name]
	profile, count := "", uint64(0)
	for _, e := range at.entries() {
		switch e.key {
		case "profile":
			profile = e.value.word("the name of a compute profile")
		case "count":
			count, _ = e.value.whole(1, 1<<20) // a bad one is noted, and 0
		default:
			e.unknown("profile, count")
		}
	}
	if profile == "" {
		at.errorf("profile is missing; expected one of %s", names(s.compute))
		return Resources{}
	}
	if count == 0 && len(at.r.errors) == 0 {
		at.errorf("count is missing; expected a whole number from 1")
	}
	v, ok := s.compute[profile]
	if !ok {
		at.errorf("there is no compute profile %q; expected one of %s", profile, names(s.compute))
		return Resources{}
	}
	for _, e := range v.entries() {
		if e.key == "resources" {
			r, memory, storage := s.resources(e.value)
			s.file.Asked[name] = Asked{Replicas: count, MemoryBytes: memory, Storage: storage}
			return r
		}
		e.unknown("resources")
	}
	v.errorf("resources is missing; expected cpu, memory and storage")
	return Resources{}
}

func (s *sdl) resources(v value) (r Resources, memory uint64, storage []Storage) {
	seen := map[string]bool{}
	for _, e := range v.entries() {
		seen[e.key] = true
		switch e.key {
		case "cpu":
			r.CPUMilli = e.value.one("units", `cpu: {units: 0.5}`, value.cpuMilli)
		case "memory":
			memory = e.value.one("size", `memory: {size: 512Mi}`, value.sizeBytes)
			r.MemoryMiB = mib(memory)
		case "storage":
			storage = e.value.storage()
			for _, volume := range storage {
				if volume.Class != ClassRAM {
					r.DiskMiB += mib(volume.Size)
				}
			}
			r.DiskMiB = max(r.DiskMiB, 1) // where all of it is memory
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
	return r, memory, storage
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
		e.value.errorf("SDL has no such attribute here; expected arch of a cpu")
	}
}

// storage reads one volume or a list of them.
func (v value) storage() []Storage {
	n := v.resolve()
	if n == nil {
		return nil
	}
	volumes, single := []value{v}, n.Kind == yaml.MappingNode
	if !single {
		volumes = v.items()
	}
	if len(volumes) == 0 {
		v.errorf("expected storage: {size: 1Gi} or a list of such volumes")
	}
	if len(volumes) > maxVolumes {
		v.errorf("expected at most %d volumes, found %d", maxVolumes, len(volumes))
		return nil
	}
	var out []Storage
	for _, volume := range volumes {
		one := Storage{Name: "default"}
		for _, e := range volume.entries() {
			switch e.key {
			case "size":
				one.Size = e.value.sizeBytes()
			case "name":
				if name, ok := e.value.text("the name of a volume"); ok && name != "" && !single {
					one.Name = name
				}
			case "attributes":
				e.value.storageAttributes(&one)
			default:
				e.unknown("size, name, attributes")
			}
		}
		if one.Size == 0 && len(v.r.errors) == 0 {
			volume.errorf("size is missing; expected {size: 1Gi}")
		}
		if slices.ContainsFunc(out, func(o Storage) bool { return o.Name == one.Name }) {
			volume.errorf("there are two volumes of the name %q; give each its own", one.Name)
		}
		out = append(out, one)
	}
	return out
}

// maxVolumes bounds the volumes of one service.
const maxVolumes = 32

// storageClasses are those that SDL has.
var storageClasses = []string{"default", "beta1", "beta2", "beta3", ClassRAM}

func (v value) storageAttributes(out *Storage) {
	for _, e := range v.entries() {
		switch e.key {
		case "persistent":
			switch s := e.value.word("true or false"); s {
			case "true", "on", "yes":
				out.Persistent = true
			case "false", "off", "no":
			default:
				e.value.errorf("expected true or false, found %q", s)
			}
		case "class":
			if out.Class = e.value.word("a storage class"); !slices.Contains(storageClasses, out.Class) {
				e.value.errorf("expected one of %s, found %q", strings.Join(storageClasses, ", "), out.Class)
			}
		default:
			e.value.errorf("SDL has no such attribute here; expected persistent or class")
		}
	}
	switch {
	case out.Class == ClassRAM && out.Persistent:
		v.errorf("a volume of class ram can't be persistent; remove one of both")
	case out.Class != "" && out.Class != ClassRAM && !out.Persistent:
		v.errorf("storage that is not persistent has no class; add persistent: true or remove class: %s", out.Class)
	case out.Persistent && out.Class == "":
		out.Class = "default"
	}
	if out.Persistent && out.Class != "default" {
		v.warnf("the class %s has no effect; a Container's storage is all of one kind", out.Class)
	}
}

// placed is params.storage of a service: where a volume is mounted.
type placed struct {
	name, mount string
	readOnly    bool
	at          value
}

// mounts puts volumes of a service's profile at the places that its params name.
func (s *sdl) mounts(name string, svc *Service) {
	asked := s.file.Asked[name]
	for _, p := range s.params[name] {
		i := slices.IndexFunc(asked.Storage, func(o Storage) bool { return o.Name == p.name })
		if i < 0 {
			p.at.errorf("the compute profile has no volume of the name %q", p.name)
			continue
		}
		volume := &asked.Storage[i]
		volume.Mount, volume.ReadOnly = p.mount, p.readOnly
		at := path.Clean(p.mount)
		if !MountOffered(at) {
			p.at.refusef("volume-mount", "a volume can't be mounted at %s, which is the system's; choose another path", p.mount)
			continue
		}
		v := Volume{Name: p.name, Mount: at, Class: ClassDisk, SizeMiB: mib(volume.Size), Persistent: volume.Persistent, ReadOnly: p.readOnly}
		if volume.Class == ClassRAM {
			v.Class = ClassRAM
		}
		svc.Volumes = append(svc.Volumes, v)
	}
	slices.SortFunc(svc.Volumes, func(a, b Volume) int { return strings.Compare(a.Name, b.Name) })
	s.file.Asked[name] = asked
	for _, o := range asked.Storage {
		switch {
		case o.Mount != "" || !o.Persistent && o.Class != ClassRAM:
		case o.Persistent && len(s.params[name]) == 0:
			s.services[name].errorf("the volume %s is persistent and needs params.storage.%s.mount", o.Name, o.Name)
		default:
			s.services[name].warnf("the volume %s is mounted nowhere and has no effect; add params.storage.%s.mount", o.Name, o.Name)
		}
	}
}

func (s *sdl) gpu(v value, r *Resources) {
	var choices []GPU
	described := false
	for _, e := range v.entries() {
		switch e.key {
		case "units":
			n, _ := e.value.whole(0, maxGPUs)
			r.GPUs = uint32(n)
		case "attributes":
			for _, a := range e.value.entries() {
				switch a.key {
				case "vendor":
					choices, described = a.value.vendors(), true
				case "interconnect":
					a.value.refusef("gpu-interconnect", "choosing how GPUs are connected is not offered")
				default:
					a.value.errorf("SDL has no such attribute here; expected vendor")
				}
			}
			if !described {
				e.value.errorf("expected a vendor, such as vendor: {nvidia: [{model: rtx4090}]}")
				described = true
			}
		default:
			e.value.errorf("SDL has no such key here; expected units or attributes")
		}
	}
	if r.GPUs == 0 {
		return
	}
	if !described {
		v.errorf("attributes is missing; expected attributes: {vendor: {nvidia: }} or with models")
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
					if g.Model = e.value.word("a model such as rtx4090"); g.Model == "*" {
						g.Model = ""
					}
				case "ram":
					g.VRAMMiB = e.value.sizeMiB()
				case "interface":
					var ok bool
					if g.Interface, ok = e.value.text("pcie or sxm"); ok && g.Interface != "pcie" && g.Interface != "sxm" {
						e.value.errorf("expected pcie or sxm, found %q", g.Interface)
					}
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
