// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"regexp"
	"slices"

	"gopkg.in/yaml.v3"
)

// maxGPUs is the most devices that SDL gives one service.
const maxGPUs = 24

// gpuKey is what SDL makes of a model: vendor/nvidia/model/NAME and behind it memory and interface.
var gpuKey = regexp.MustCompile(`^[\w/.-]{0,96}\*?$`)

func (v value) gpu(p *profile) {
	described := false
	for _, e := range v.entries() {
		switch e.key {
		case "units":
			p.GPUs = uint32(e.value.digits(maxGPUs))
		case "attributes":
			if e.value.null() {
				continue
			}
			described = true
			p.gpus = e.value.gpuAttributes(p)
		default:
			e.value.errorf("SDL has no such key here; expected units or attributes")
		}
	}
	switch {
	case p.GPUs > 0 && !described:
		v.errorf("attributes is missing; expected attributes: {vendor: {nvidia: }} or with models")
	case p.GPUs == 0 && described:
		v.errorf("attributes are there and units is 0; expected units from 1, or no gpu")
	}
}

func (v value) gpuAttributes(p *profile) []GPU {
	var choices []GPU
	found := false
	for _, a := range v.entries() {
		switch a.key {
		case "vendor":
			if !a.value.null() {
				choices, found = a.value.vendors(), true
			}
		case "interconnect":
			p.group, p.interconnect = a.value.interconnect(), &a.value
		case "rdma", "rdma_group": // what interconnect was called before
			if a.key == "rdma_group" && a.value.word("the name of a group") != "" || a.key == "rdma" && a.value.flag() {
				a.value.refusef("gpu-interconnect", "choosing how GPUs are connected is not offered")
			}
		default:
			a.value.errorf("SDL has no such attribute here; expected vendor")
		}
	}
	if !found {
		v.errorf("expected a vendor, such as vendor: {nvidia: [{model: rtx4090}]}")
	}
	return choices
}

// interconnect is [] or {group: name}, and returns the name.
func (v value) interconnect() string {
	const want = "expected [], or {group: NAME} with another name than auto"
	group := ""
	if n := v.resolve(); n != nil && n.Kind == yaml.SequenceNode {
		if len(n.Content) > 0 {
			v.errorf(want)
		}
	} else {
		for _, e := range v.entries() {
			if e.key == "group" {
				group = e.value.word("the name of a group")
			}
		}
		if group == "" || group == "auto" {
			v.errorf(want)
		}
	}
	v.refusef("gpu-interconnect", "choosing how GPUs are connected is not offered")
	return group
}

// connected checks what SDL asks of a placement on which GPUs are connected: that it says so, and that all of them have a
// group or none has.
func (s *sdl) connected(service string, p profile) {
	if p.interconnect == nil {
		return
	}
	for _, at := range s.deployed[service] {
		said := false
		for _, e := range s.placement[at.key].entries() {
			if e.key == "attributes" {
				for _, a := range e.value.entries() {
					said = said || a.key == "capabilities/gpu-interconnect" && a.value.word("true") == "true"
				}
			}
		}
		if !said {
			p.interconnect.errorf(`the placement %s needs the attribute capabilities/gpu-interconnect: "true" for this`, at.key)
		}
		if grouped, ok := s.grouped[at.key]; ok && grouped != (p.group != "") {
			p.interconnect.errorf("the placement %s has profiles with a group and profiles with []; write the same form in all", at.key)
		}
		s.grouped[at.key] = p.group != ""
	}
}

// narrow writes the choices into the canonical form: one vendor, its models, and the least memory of all choices.
func (s *sdl) narrow(v value, p *profile) {
	if p.GPUs == 0 || len(p.gpus) == 0 {
		return
	}
	r := &p.Resources
	anyModel := slices.ContainsFunc(p.gpus, func(g GPU) bool { return g.Model == "" })
	for i, g := range p.gpus {
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
	if len(s.file.GPUs) == 0 {
		s.file.GPUs = p.gpus
	} else if s.file.GPUs = both(s.file.GPUs, p.gpus); len(s.file.GPUs) == 0 {
		v.refusef("several-gpu-kinds", "one lease is of one kind of GPU; services of this file ask for different ones")
	}
}

// both returns the kinds that are a choice of a and of b.
func both(a, b []GPU) []GPU {
	var out []GPU
	for _, x := range a {
		for _, y := range b {
			if x.Vendor != y.Vendor || !agree(x.Model, y.Model) || !agree(x.Interface, y.Interface) {
				continue
			}
			g := GPU{Vendor: x.Vendor, Model: x.Model + y.Model, VRAMMiB: max(x.VRAMMiB, y.VRAMMiB), Interface: x.Interface + y.Interface}
			if x.Model == y.Model {
				g.Model = x.Model
			}
			if x.Interface == y.Interface {
				g.Interface = x.Interface
			}
			if !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	return out
}

// agree says whether two names can be met at once; an empty one means any.
func agree(a, b string) bool { return a == "" || b == "" || a == b }

// vendors reads {nvidia: [{model: h100, ram: 80Gi, interface: sxm}]}; a vendor without a list means any model.
func (v value) vendors() []GPU {
	var out []GPU
	for _, vendor := range v.entries() {
		models := vendor.value.items()
		if len(models) == 0 {
			out = append(out, GPU{Vendor: vendor.key})
		}
		var keys []GPU // as they are written, so that what SDL refuses as written twice is found
		for _, m := range models {
			g := GPU{Vendor: vendor.key}
			for _, e := range m.entries() {
				switch e.key {
				case "model":
					if g.Model = e.value.word("a model such as rtx4090"); !gpuKey.MatchString(g.Model) {
						e.value.errorf("expected a model of letters, digits, dots and dashes, such as rtx4090, found %q", g.Model)
					}
				case "ram":
					if !e.value.null() {
						g.VRAMMiB = mib(e.value.vramBytes())
					}
				case "interface":
					if g.Interface = e.value.word("pcie or sxm"); !e.value.null() && g.Interface != "pcie" && g.Interface != "sxm" {
						e.value.errorf("expected pcie or sxm, found %q", g.Interface)
					}
				default:
					e.unknown("model, ram, interface")
				}
			}
			if slices.Contains(keys, g) {
				m.errorf("the same GPU is listed twice; remove one")
			}
			keys = append(keys, g)
			if g.Model == "*" {
				g.Model = ""
			}
			out = append(out, g)
		}
	}
	if n := v.resolve(); len(out) == 0 && n != nil && n.Kind == yaml.MappingNode {
		return []GPU{{Vendor: "nvidia"}} // SDL's own where {} is written
	}
	return out
}
