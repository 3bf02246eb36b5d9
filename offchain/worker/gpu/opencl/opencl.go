// SPDX-License-Identifier: Apache-2.0

// Package opencl sees the devices of any vendor through the OpenCL loader, which is opened at run time: no cgo, and no OpenCL
// on the machine is simply no devices.
package opencl

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/athnet/ath/offchain/worker/gpu"
)

// Library is what the loader is called on Linux.
const Library = "libOpenCL.so.1"

// Constants of the OpenCL headers.
const (
	platformName    = 0x0902
	platformVersion = 0x0901

	deviceTypeAll               = 0xFFFFFFFF
	deviceTypeGPU               = 1 << 2
	deviceTypeAccelerator       = 1 << 3
	deviceType                  = 0x1000
	deviceGlobalMemSize         = 0x101F
	deviceErrorCorrection       = 0x1024
	deviceName                  = 0x102B
	deviceVendor                = 0x102C
	driverVersion               = 0x102D
	deviceVersion               = 0x102F
	deviceUUID                  = 0x106A // cl_khr_device_uuid
	uuidSize                    = 16
	success               int32 = 0
	maxDevices                  = 64
)

// Source implements gpu.Source.
type Source struct {
	once sync.Once
	err  error

	platformIDs  func(n uint32, ids *uintptr, count *uint32) int32
	platformInfo func(id uintptr, what uint32, size uintptr, value unsafe.Pointer, actual *uintptr) int32
	deviceIDs    func(platform uintptr, kind uint64, n uint32, ids *uintptr, count *uint32) int32
	deviceInfo   func(id uintptr, what uint32, size uintptr, value unsafe.Pointer, actual *uintptr) int32
}

var _ gpu.Source = (*Source)(nil)

// New does not touch the library yet.
func New() *Source { return &Source{} }

func (s *Source) open() error {
	s.once.Do(func() {
		lib, err := purego.Dlopen(Library, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err != nil {
			s.err = fmt.Errorf("%w: %w", gpu.ErrUnavailable, err)
			return
		}
		for name, fn := range map[string]any{
			"clGetPlatformIDs": &s.platformIDs, "clGetPlatformInfo": &s.platformInfo,
			"clGetDeviceIDs": &s.deviceIDs, "clGetDeviceInfo": &s.deviceInfo,
		} {
			sym, err := purego.Dlsym(lib, name)
			if err != nil {
				s.err = fmt.Errorf("%w: %w", gpu.ErrUnavailable, err)
				return
			}
			purego.RegisterFunc(fn, sym)
		}
	})
	return s.err
}

// Devices implements gpu.Source.
func (s *Source) Devices(context.Context) ([]gpu.Device, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	var out []gpu.Device
	for _, platform := range list(func(n uint32, ids *uintptr, count *uint32) int32 { return s.platformIDs(n, ids, count) }) {
		name := text(s.platformInfo, platform, platformName)
		version := text(s.platformInfo, platform, platformVersion)
		ids := list(func(n uint32, ids *uintptr, count *uint32) int32 {
			return s.deviceIDs(platform, deviceTypeAll, n, ids, count)
		})
		for place, id := range ids {
			d := gpu.Device{
				Kind: gpu.KindCPU, Vendor: text(s.deviceInfo, id, deviceVendor), Model: text(s.deviceInfo, id, deviceName),
				VRAMMiB: number[uint64](s.deviceInfo, id, deviceGlobalMemSize) >> 20,
				Driver:  strings.TrimSpace(name + " " + text(s.deviceInfo, id, driverVersion)),
				Compute: text(s.deviceInfo, id, deviceVersion),
				ECC:     number[uint32](s.deviceInfo, id, deviceErrorCorrection) != 0,
			}
			if number[uint64](s.deviceInfo, id, deviceType)&(deviceTypeGPU|deviceTypeAccelerator) != 0 {
				d.Kind = gpu.KindGPU
			}
			if d.Compute == "" {
				d.Compute = version
			}
			d.ID = s.identity(id, d, place)
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b gpu.Device) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// Stats implements gpu.Source: OpenCL has none.
func (s *Source) Stats(context.Context) ([]gpu.Stat, error) { return nil, s.open() }

// identity is the device's UUID where its driver tells it, else made of what it is and where it stands.
func (s *Source) identity(id uintptr, d gpu.Device, place int) string {
	var uuid [uuidSize]byte
	var actual uintptr
	if s.deviceInfo(id, deviceUUID, uuidSize, unsafe.Pointer(&uuid[0]), &actual) == success && uuid != [uuidSize]byte{} {
		return "opencl-" + hex.EncodeToString(uuid[:])
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%d", d.Vendor, d.Model, d.Driver, place))
	return "opencl-" + hex.EncodeToString(sum[:uuidSize])
}

// list calls a function of OpenCL's two-step kind: how many, then which. None is an error to OpenCL and an empty list to us.
func list(fn func(n uint32, ids *uintptr, count *uint32) int32) []uintptr {
	var count uint32
	if fn(0, nil, &count) != success || count == 0 {
		return nil
	}
	ids := make([]uintptr, min(count, maxDevices))
	if fn(uint32(len(ids)), &ids[0], &count) != success {
		return nil
	}
	return ids
}

type info func(id uintptr, what uint32, size uintptr, value unsafe.Pointer, actual *uintptr) int32

// text is empty where a driver does not answer.
func text(fn info, id uintptr, what uint32) string {
	var size uintptr
	if fn(id, what, 0, nil, &size) != success || size == 0 || size > 4096 {
		return ""
	}
	buf := make([]byte, size)
	if fn(id, what, size, unsafe.Pointer(&buf[0]), nil) != success {
		return ""
	}
	return strings.TrimSpace(strings.TrimRight(string(buf), "\x00"))
}

// number is 0 where a driver does not answer.
func number[T uint32 | uint64](fn info, id uintptr, what uint32) T {
	var v T
	if fn(id, what, unsafe.Sizeof(v), unsafe.Pointer(&v), nil) != success {
		return 0
	}
	return v
}
