// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"slices"
	"strings"

	"github.com/athnet/ath/offchain/manifest"
)

// startOrder puts every service behind those it depends on; names decide where nothing else does. A circle, which Fits
// refuses, is broken at its first name.
func startOrder(m manifest.Manifest) []manifest.Service {
	byName := map[string]manifest.Service{}
	for _, service := range m.Services {
		byName[service.Name] = service
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
		}
		out = append(out, service)
	}
	for _, service := range slices.SortedFunc(slices.Values(m.Services), func(a, b manifest.Service) int { return strings.Compare(a.Name, b.Name) }) {
		visit(service.Name)
	}
	return out
}
