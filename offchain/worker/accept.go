// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/athnet/ath/offchain/manifest"
)

// ErrManifest says that a manifest is one that this worker will not run, and why.
var ErrManifest = errors.New("manifest can't be run here")

// Capacity is what a Container promised on chain.
type Capacity = manifest.Capacity

const (
	// maxServices bounds the containers of one lease: names, networks and logs cost the machine, not the tenant.
	maxServices = 16
	// maxPorts bounds the published ports of one lease.
	maxPorts = manifest.MaxPublished
)

var (
	serviceName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	digestRef   = regexp.MustCompile(`^[a-zA-Z0-9._:/\[\]-]{1,320}@sha256:[0-9a-f]{64}$`)
)

// parseManifest reads canonical bytes. Only the canonical form is taken: a hash must have one meaning.
func parseManifest(body []byte) (manifest.Manifest, error) {
	var m manifest.Manifest
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return m, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return m, fmt.Errorf("%w: data after the object", ErrManifest)
	}
	canonical, err := m.Canonical()
	if err != nil {
		return m, err
	}
	if !bytes.Equal(canonical, body) {
		return m, fmt.Errorf("%w: not in canonical form", ErrManifest)
	}
	return m, nil
}

// fits says whether a manifest is well-formed and within what the Container promised.
func fits(m manifest.Manifest, c Capacity) error {
	if m.Version != manifest.Version {
		return fmt.Errorf("%w: version %q, want %q", ErrManifest, m.Version, manifest.Version)
	}
	if len(m.Services) == 0 || len(m.Services) > maxServices {
		return fmt.Errorf("%w: %d services, want 1 to %d", ErrManifest, len(m.Services), maxServices)
	}
	ports := 0
	for i, s := range m.Services {
		if i > 0 && m.Services[i-1].Name >= s.Name {
			return fmt.Errorf("%w: services are not in order of name, or one comes twice: %q", ErrManifest, s.Name)
		}
		if err := serviceFits(m, s); err != nil {
			return err
		}
		for _, e := range s.Expose {
			if e.Global {
				ports++
			}
		}
	}
	if err := c.Over(m.Services); err != nil {
		return fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if ports > maxPorts {
		return fmt.Errorf("%w: %d published ports, at most %d", ErrManifest, ports, maxPorts)
	}
	if len(startOrder(m)) != len(m.Services) {
		return fmt.Errorf("%w: services can't be put in order", ErrManifest)
	}
	return nil
}

func serviceFits(m manifest.Manifest, s manifest.Service) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: service %q: %s", ErrManifest, s.Name, fmt.Sprintf(format, args...))
	}
	switch {
	case !serviceName.MatchString(s.Name):
		return bad("name: want 1 to 63 of a-z, 0-9 and -")
	case !digestRef.MatchString(s.Image):
		return bad("image %q: want host/path@sha256:…", s.Image)
	case s.Resources.CPUMilli < 10 || s.Resources.MemoryMiB < manifest.MinMemoryMiB: // the engine's own least values
		return bad("resources: want at least 10 thousandths of a core and %d MiB", manifest.MinMemoryMiB)
	case s.Resources.DiskMiB < 1:
		return bad("resources: want at least 1 MiB of storage")
	case s.Restart != manifest.RestartAlways && s.Restart != manifest.RestartOnFailure && s.Restart != manifest.RestartNever:
		return bad("restart %q: want always, on-failure or never", s.Restart)
	}
	if err := manifest.CheckVolumes(s.Volumes); err != nil {
		return bad("%s", err)
	}
	if s.ReplicaOf != "" && !slices.ContainsFunc(m.Services, func(o manifest.Service) bool { return o.Name == s.ReplicaOf && o.ReplicaOf == "" }) {
		return bad("replica of %q, which is not a service of its own", s.ReplicaOf)
	}
	for _, e := range s.Env {
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" || strings.ContainsRune(e, 0) {
			return bad("env: want KEY=value")
		}
	}
	if err := manifest.CheckExpose(s.Expose); err != nil {
		return bad("%s", err)
	}
	seen := map[string]bool{}
	for _, e := range s.Expose {
		if e.Port == 0 || (e.Proto != "tcp" && e.Proto != "udp") {
			return bad("port %d/%s: want 1 to 65535, tcp or udp", e.Port, e.Proto)
		}
		if e.Global && seen[portKey("", e)] {
			return bad("port %d/%s is published twice", e.Port, e.Proto)
		}
		seen[portKey("", e)] = seen[portKey("", e)] || e.Global
	}
	for _, other := range s.DependsOn {
		found := false
		for _, o := range m.Services {
			found = found || (o.Name == other && other != s.Name)
		}
		if !found {
			return bad("depends on %q, which is not another service", other)
		}
	}
	return nil
}
