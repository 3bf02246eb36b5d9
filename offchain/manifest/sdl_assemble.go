// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
)

func (s *sdl) assemble(root value) {
	ips := map[string]bool{}
	for _, name := range s.order {
		s.ips(name, ips)
		svc := s.service(name)
		svc.Resources = s.resourcesOf(name)
		if v, ok := s.confidential[name]; ok && svc.Resources.GPUs == 0 {
			v.errorf("tee of a GPU, and the compute profile has none")
		}
		s.mounts(name, &svc)
		s.file.Manifest.Services = append(s.file.Manifest.Services, svc)
	}
	for _, name := range slices.Sorted(maps.Keys(s.endpoints)) {
		if !ips[name] {
			s.endpoints[name].errorf("the endpoint is not used; name it as ip: of a rule that is global, or remove it")
		}
	}
	s.unused()
	if !s.global() && !s.ours && len(root.r.errors) == 0 {
		root.errorf("no rule is global, and SDL asks for one: add to: [{global: true}] to a port, or, for work that needs none, x-ath: {restart: always} to a service")
	}
	for _, name := range slices.Sorted(maps.Keys(s.endpoints)) {
		s.endpoints[name].refusef("ip-endpoint", "leased IP addresses are not offered; remove the endpoint and its ip: rules to get a port on the worker's address")
	}
	s.checkDependencies()
	s.elsewhere()
	s.replicate()
}

// global says whether the file publishes a port.
func (s *sdl) global() bool {
	return slices.ContainsFunc(s.file.Manifest.Services, func(svc Service) bool {
		return slices.ContainsFunc(svc.Expose, func(x Expose) bool { return x.Global })
	})
}

// unused reads what is not deployed: SDL refuses what it can't read there too, and asks no more of it.
func (s *sdl) unused() {
	for _, name := range slices.Sorted(maps.Keys(s.services)) {
		if _, ok := s.deployed[name]; !ok {
			s.services[name].shaped()
			s.services[name].warnf("the service is not in deployment and will not run")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.compute)) {
		if v := s.compute[name]; !s.used[name] {
			warnings, notOffered := len(v.r.warnings), len(v.r.notOffered)
			v.profile(false)
			v.r.warnings, v.r.notOffered = v.r.warnings[:warnings], v.r.notOffered[:notOffered]
		}
	}
}

// shaped notes where a service does not look like one. What its words mean is not asked.
func (v value) shaped() {
	for _, e := range v.entries() {
		switch e.key {
		case "image":
			e.value.word("an image")
		case "command", "args", "env":
			e.value.texts("text")
		case "expose":
			for _, rule := range e.value.items() {
				rule.shapedRule()
			}
		case "credentials":
			for _, k := range e.value.entries() {
				k.value.word("text")
			}
		}
	}
}

func (v value) shapedRule() {
	for _, e := range v.entries() {
		switch e.key {
		case "port", "as":
			e.value.whole(0, math.MaxUint32)
		case "proto":
			e.value.word("tcp or udp")
		case "accept":
			e.value.texts("a host name")
		case "to":
			for _, to := range e.value.items() {
				for _, k := range to.entries() {
					switch k.key {
					case "global":
						k.value.flag()
					case "service", "ip":
						k.value.word("a name")
					}
				}
			}
		}
	}
}

// ips notes the endpoints that the rules of a service use; a port of one is there once.
func (s *sdl) ips(name string, used map[string]bool) {
	for _, e := range s.services[name].entries() {
		if e.key != "expose" {
			continue
		}
		for _, rule := range e.value.items() {
			port, as, proto, ips := "", "", "", []value(nil)
			for _, r := range rule.entries() {
				switch r.key {
				case "port":
					port = r.value.word("a port")
				case "as":
					as = r.value.word("a port")
				case "proto":
					proto = strings.ToLower(r.value.word("tcp or udp"))
				case "to":
					for _, to := range r.value.items() {
						for _, t := range to.entries() {
							if t.key == "ip" && !t.value.null() {
								ips = append(ips, t.value)
							}
						}
					}
				}
			}
			for _, at := range ips {
				ip := at.word("the name of an endpoint")
				used[ip] = true
				taken := ip + " " + cmp.Or(as, port) + " " + cmp.Or(proto, "tcp")
				if s.leased[taken] {
					at.errorf("this port of %s is taken; give one of both another as:", ip)
				}
				s.leased[taken] = true
			}
		}
	}
}

// replicate makes services of replicas: NAME, NAME-2, …, which all answer to NAME within the lease.
func (s *sdl) replicate() {
	var out []Service
	taken := map[string]bool{}
	for _, svc := range s.file.Manifest.Services {
		taken[svc.Name] = true
	}
	total, published := uint64(0), uint64(0)
	for _, svc := range s.file.Manifest.Services {
		n := max(s.file.Asked[svc.Name].Replicas, 1)
		for _, x := range svc.Expose {
			if x.Global {
				published += n
			}
		}
		if total += n; total > maxServices {
			s.deployed[svc.Name][0].value.refusef("count", "one lease runs at most %d services, each replica counts as one; open another lease", maxServices)
			return
		}
		out = append(out, svc)
		for i := uint64(2); i <= n; i++ {
			replica := svc
			replica.Name, replica.ReplicaOf = replicaName(svc.Name, i), svc.Name
			if taken[replica.Name] || len(replica.Name) > maxName {
				s.deployed[svc.Name][0].value.refusef("count", "its replicas are called %s-2 and so on, which is too long or the name of another service; rename one", svc.Name)
				return
			}
			out = append(out, replica)
		}
	}
	if published > MaxPublished {
		s.services[s.order[0]].refusef("ports", "one lease publishes at most %d ports, of all services and replicas; the file has %d", MaxPublished, published)
	}
	slices.SortFunc(out, func(a, b Service) int { return strings.Compare(a.Name, b.Name) })
	s.file.Manifest.Services = out
}

// checkDependencies passes over names that are not deployed, and over what would close a circle: SDL takes both.
func (s *sdl) checkDependencies() {
	needs := map[string][]string{}
	reaches := func(from, to string) bool {
		seen := map[string]bool{}
		var visit func(name string) bool
		visit = func(name string) bool {
			if name == to || seen[name] {
				return name == to
			}
			seen[name] = true
			return slices.ContainsFunc(needs[name], visit)
		}
		return visit(from)
	}
	for i, svc := range s.file.Manifest.Services {
		var kept []string
		for _, next := range svc.DependsOn {
			switch _, deployed := s.deployed[next]; {
			case !deployed:
				s.services[svc.Name].warnf("depends on %q, which is not deployed, ignored; deployed are %s", next, names(s.deployed))
			case reaches(next, svc.Name):
				s.services[svc.Name].warnf("depends on %q, which depends on it: dependencies go round in a circle, this one is ignored", next)
			default:
				kept = append(kept, next)
				needs[svc.Name] = kept
			}
		}
		s.file.Manifest.Services[i].DependsOn = kept
	}
}
