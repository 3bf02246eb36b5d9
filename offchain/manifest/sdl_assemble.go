// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (s *sdl) assemble(root value) {
	ips := map[string]bool{}
	for _, name := range s.order {
		s.ips(name, ips)
		svc := s.service(name)
		svc.Resources = s.resourcesOf(name)
		s.mounts(name, &svc)
		s.file.Manifest.Services = append(s.file.Manifest.Services, svc)
	}
	for _, name := range slices.Sorted(maps.Keys(s.endpoints)) {
		if !ips[name] {
			s.endpoints[name].errorf("the endpoint is not used; name it as ip: of a rule that is global, or remove it")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.services)) {
		if _, ok := s.deployed[name]; !ok {
			s.services[name].warnf("the service is not in deployment and will not run")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.endpoints)) {
		s.endpoints[name].refusef("ip-endpoint", "leased IP addresses are not offered; remove the endpoint and its ip: rules to get a port on the worker's address")
	}
	s.checkDependencies(root)
	s.replicate(root)
}

// ips notes the endpoints that the rules of a service use.
func (s *sdl) ips(name string, used map[string]bool) {
	for _, e := range s.services[name].entries() {
		if e.key != "expose" {
			continue
		}
		for _, rule := range e.value.items() {
			for _, r := range rule.entries() {
				if r.key != "to" {
					continue
				}
				for _, to := range r.value.items() {
					for _, t := range to.entries() {
						if t.key == "ip" && !t.value.null() {
							ip := t.value.word("the name of an endpoint")
							used[ip] = true
						}
					}
				}
			}
		}
	}
}

// replicate makes services of replicas: NAME, NAME-2, …, which all answer to NAME within the lease.
func (s *sdl) replicate(root value) {
	var out []Service
	taken := map[string]bool{}
	for _, svc := range s.file.Manifest.Services {
		taken[svc.Name] = true
	}
	total := uint64(0)
	for _, svc := range s.file.Manifest.Services {
		n := max(s.file.Asked[svc.Name].Replicas, 1)
		if total += n; total > maxServices {
			s.deployed[svc.Name].refusef("count", "one lease runs at most %d services, each replica counts as one; open another lease", maxServices)
			return
		}
		out = append(out, svc)
		for i := uint64(2); i <= n; i++ {
			replica := svc
			replica.Name, replica.ReplicaOf = fmt.Sprintf("%s-%d", svc.Name, i), svc.Name
			if taken[replica.Name] || len(replica.Name) > 63 {
				s.services[svc.Name].errorf("its replicas are called %s-2 and so on, which is too long or the name of another service", svc.Name)
				return
			}
			out = append(out, replica)
		}
	}
	slices.SortFunc(out, func(a, b Service) int { return strings.Compare(a.Name, b.Name) })
	s.file.Manifest.Services = out
}

// checkDependencies refuses names that do not exist and circles.
func (s *sdl) checkDependencies(root value) {
	const visiting, done = 1, 2
	state := map[string]int{}
	needs := map[string][]string{}
	for _, svc := range s.file.Manifest.Services {
		needs[svc.Name] = svc.DependsOn
	}
	var visit func(name string) bool
	visit = func(name string) bool {
		if state[name] != 0 {
			return state[name] == done
		}
		state[name] = visiting
		for _, next := range needs[name] {
			if _, ok := needs[next]; !ok {
				s.services[name].errorf("depends on %q, which is not deployed; expected one of %s", next, strings.Join(s.order, ", "))
				continue
			}
			if !visit(next) {
				return false
			}
		}
		state[name] = done
		return true
	}
	for _, name := range s.order {
		if !visit(name) {
			s.services[name].errorf("dependencies go round in a circle")
			return
		}
	}
}
