// SPDX-License-Identifier: Apache-2.0

package types

import (
	"crypto/ed25519"
	"crypto/sha256"
)

// Bounds of a spec: far above any machine, far below where sums of a fleet would overflow 64 bits.
const (
	maxCPUMilli    = 10_000_000
	maxMemoryMiB   = 1 << 30
	maxDiskMiB     = 1 << 34
	maxNetworkMbps = 100_000_000
	maxVRAM        = 1 << 24
)

// Validate checks the form of what a worker measured.
func (s Spec) Validate() error {
	for _, f := range []struct{ name, text string }{
		{"gpu_model", s.GpuModel}, {"driver", s.Driver}, {"compute", s.Compute},
		{"bus", s.Bus}, {"cpu_model", s.CpuModel}, {"platform", s.Platform},
	} {
		if !isText(f.text, MaxText) {
			return ErrInvalidField.Wrapf("spec.%s: want at most %d bytes of UTF-8 without control characters", f.name, MaxText)
		}
	}
	for _, f := range []struct {
		name            string
		value, min, max uint64
	}{
		{"gpus", uint64(s.Gpus), 0, MaxCount},
		{"vram_mib", s.VramMib, 0, maxVRAM},
		{"cpu_milli", s.CpuMilli, 1, maxCPUMilli},
		{"memory_mib", s.MemoryMib, 1, maxMemoryMiB},
		{"disk_mib", s.DiskMib, 0, maxDiskMiB},
		{"network_mbps", s.NetworkMbps, 0, maxNetworkMbps},
		{"throughput", s.Throughput, 0, MaxReference},
	} {
		if f.value < f.min || f.value > f.max {
			return ErrInvalidField.Wrapf("spec.%s: want %d to %d, have %d", f.name, f.min, f.max, f.value)
		}
	}
	return nil
}

// Fits checks that a spec can be count units of a class.
func (s Spec) Fits(class Class, count uint32) error {
	if class.VramMib == 0 {
		return nil
	}
	if s.Gpus != count {
		return ErrInvalidField.Wrapf("spec.gpus: %d units of class %s have %d devices, not %d", count, class.Name, count, s.Gpus)
	}
	if s.VramMib < class.VramMib {
		return ErrInvalidField.Wrapf("spec.vram_mib: class %s has at least %d, this device %d", class.Name, class.VramMib, s.VramMib)
	}
	return nil
}

// Covers checks that a spec offers at least what another offered; what is only measured and fluctuates does not count.
func (s Spec) Covers(old Spec) error {
	if s.GpuModel != old.GpuModel {
		return ErrSpecShrinks.Wrapf("spec.gpu_model: %q was leased, not %q", old.GpuModel, s.GpuModel)
	}
	for _, f := range []struct {
		name      string
		now, then uint64
	}{
		{"gpus", uint64(s.Gpus), uint64(old.Gpus)},
		{"vram_mib", s.VramMib, old.VramMib},
		{"cpu_milli", s.CpuMilli, old.CpuMilli},
		{"memory_mib", s.MemoryMib, old.MemoryMib},
		{"disk_mib", s.DiskMib, old.DiskMib},
	} {
		if f.now < f.then {
			return ErrSpecShrinks.Wrapf("spec.%s: %d were leased, %d are offered", f.name, f.then, f.now)
		}
	}
	return nil
}

// Validate checks the form of a Container to register.
func (n NewContainer) Validate() error {
	if !isLabel(n.Class) {
		return ErrInvalidField.Wrapf("class: want 1 to %d of [a-z0-9-], have %q", MaxLabel, n.Class)
	}
	if n.Count == 0 || n.Count > MaxCount {
		return ErrInvalidField.Wrapf("count: want 1 to %d, have %d", MaxCount, n.Count)
	}
	if len(n.WorkerPubkey) != ed25519.PublicKeySize {
		return ErrInvalidField.Wrapf("worker_pubkey: want %d bytes, have %d", ed25519.PublicKeySize, len(n.WorkerPubkey))
	}
	if err := validateFingerprint(n.Fingerprint); err != nil {
		return err
	}
	if err := validateReach(n.Endpoint, n.Connectivity, n.Region); err != nil {
		return err
	}
	if err := validateWindows(n.Windows); err != nil {
		return err
	}
	return n.Spec.Validate()
}

func validateFingerprint(f []byte) error {
	if len(f) != sha256.Size {
		return ErrInvalidField.Wrapf("fingerprint: want %d bytes, have %d", sha256.Size, len(f))
	}
	return nil
}

func validateReach(endpoint string, c Connectivity, region string) error {
	if !isEndpoint(endpoint) {
		return ErrInvalidField.Wrapf("endpoint: want host:port of at most %d bytes, such as gpu7.example.org:8443, have %.300q",
			maxEndpoint, endpoint)
	}
	if c != Connectivity_CONNECTIVITY_DIRECT && c != Connectivity_CONNECTIVITY_RELAYED {
		return ErrInvalidField.Wrapf("connectivity: want direct or relayed, have %d", c)
	}
	if !isLabel(region) {
		return ErrInvalidField.Wrapf("region: want 1 to %d of [a-z0-9-], have %.40q", MaxLabel, region)
	}
	return nil
}
