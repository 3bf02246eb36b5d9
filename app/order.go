// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"slices"
)

// edge says that one module runs before another, and why. An edge that names a module without that kind of work is ignored,
// so one table serves blocks and genesis alike.
type edge struct{ before, after, why string }

// order sorts names so that every edge holds; modules that no edge separates run in alphabetical order, so the result
// depends on the edges only. It fails on a circle.
func order(names []string, edges []edge) ([]string, error) {
	left := slices.Sorted(slices.Values(names))
	sorted := make([]string, 0, len(left))
	for len(left) > 0 {
		i := slices.IndexFunc(left, func(name string) bool {
			return !slices.ContainsFunc(edges, func(e edge) bool { return e.after == name && slices.Contains(left, e.before) })
		})
		if i < 0 {
			return nil, fmt.Errorf("order of modules: circle among %v", left)
		}
		sorted = append(sorted, left[i])
		left = slices.Delete(left, i, i+1)
	}
	return sorted, nil
}
