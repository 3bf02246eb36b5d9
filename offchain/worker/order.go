// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"slices"
	"strings"

	"github.com/athnet/ath/offchain/manifest"
)

// startOrder puts every service behind those it depends on, and their replicas; names decide where nothing else does. A circle is
// broken at its first name.
func startOrder(m manifest.Manifest) []manifest.Service {
	byName, replicas := map[string]manifest.Service{}, map[string][]string{}
	for _, service := range m.Services {
		byName[service.Name] = service
		if service.ReplicaOf != "" {
			replicas[service.ReplicaOf] = append(replicas[service.ReplicaOf], service.Name)
		}
	}
	var out []manifest.Service
	visited := map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		service, ok := byName[name]
		if !ok || visited[name] {
			return
		}
		visited[name] = true
		for _, other := range slices.Sorted(slices.Values(service.DependsOn)) {
			visit(other)
			for _, replica := range replicas[other] {
				visit(replica)
			}
		}
		out = append(out, service)
	}
	for _, service := range slices.SortedFunc(slices.Values(m.Services), func(a, b manifest.Service) int { return strings.Compare(a.Name, b.Name) }) {
		visit(service.Name)
	}
	return out
}
