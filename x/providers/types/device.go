// SPDX-License-Identifier: Apache-2.0

package types

import (
	"fmt"
	"strings"
)

const (
	// MaxDeviceFaults bounds what a heartbeat says about one Container; the first fault is reason enough.
	MaxDeviceFaults = 8
	// maxDeviceName bounds a device's name: a UUID of a GPU has 40 characters.
	maxDeviceName = 64
	// maxDeviceText bounds what a status keeps of the faults.
	maxDeviceText = 128
)

// Label is the kind's name for people.
func (k DeviceFaultKind) Label() string {
	switch k {
	case DeviceFaultKind_DEVICE_FAULT_KIND_XID:
		return "XID"
	case DeviceFaultKind_DEVICE_FAULT_KIND_ECC:
		return "uncorrected memory errors"
	case DeviceFaultKind_DEVICE_FAULT_KIND_ROW_REMAP:
		return "memory rows that can't be remapped"
	case DeviceFaultKind_DEVICE_FAULT_KIND_LOST:
		return "device is gone"
	default:
		return "unspecified"
	}
}

// text is the fault in words.
func (f DeviceFault) text() string {
	switch f.Kind {
	case DeviceFaultKind_DEVICE_FAULT_KIND_XID:
		return fmt.Sprintf("%s: XID %d", f.Device, f.Code)
	case DeviceFaultKind_DEVICE_FAULT_KIND_LOST:
		return fmt.Sprintf("%s: %s", f.Device, f.Kind.Label())
	default:
		return fmt.Sprintf("%s: %d %s", f.Device, f.Code, f.Kind.Label())
	}
}

// DescribeFaults is what a status keeps of faults; empty where there are none.
func DescribeFaults(faults []DeviceFault) string {
	texts := make([]string, len(faults))
	for i, f := range faults {
		texts[i] = f.text()
	}
	all := strings.Join(texts, "; ")
	if len(all) > maxDeviceText {
		all = strings.ToValidUTF8(all[:maxDeviceText], "")
	}
	return all
}

// validateFaults checks the faults of a heartbeat about these Containers.
func validateFaults(faults []DeviceFault, ids []uint64) error {
	counts := make(map[uint64]int, len(ids))
	for _, id := range ids {
		counts[id] = 0
	}
	for i, f := range faults {
		n, named := counts[f.Id]
		_, known := DeviceFaultKind_name[int32(f.Kind)]
		switch {
		case !named:
			return ErrInvalidField.Wrapf("faults[%d].id: container %d is not in ids", i, f.Id)
		case n == MaxDeviceFaults:
			return ErrInvalidField.Wrapf("faults[%d]: container %d has more than %d", i, f.Id, MaxDeviceFaults)
		case !known || f.Kind == DeviceFaultKind_DEVICE_FAULT_KIND_UNSPECIFIED:
			return ErrInvalidField.Wrapf("faults[%d].kind: %d does not exist", i, f.Kind)
		case !isText(f.Device, maxDeviceName):
			return ErrInvalidField.Wrapf("faults[%d].device: want at most %d bytes of UTF-8 without control characters", i, maxDeviceName)
		}
		counts[f.Id]++
	}
	return nil
}
