// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"math/big"
	"strings"
)

// byteUnits are the suffixes of sizes; longer ones first, so that Mi is not read as M.
var byteUnits = []struct {
	suffix string
	bytes  int64
}{
	{"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}, {"Ti", 1 << 40}, {"Pi", 1 << 50}, {"Ei", 1 << 60},
	{"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"P", 1e15}, {"E", 1e18},
}

// maxMilli and maxMiB are far above every machine and keep sums of all services within uint64.
const (
	maxMilli = 1_000_000
	maxMiB   = 1 << 40
)

// cpuMilli reads CPU time: "0.5", "500m", 2. A part of a thousandth counts as a whole one.
func (v value) cpuMilli() uint64 {
	const want = `CPU units such as 0.5, 2 or "500m"`
	s, ok := v.text(want)
	if !ok {
		return 0
	}
	number, scale := s, int64(1000)
	if rest, milli := strings.CutSuffix(s, "m"); milli {
		number, scale = rest, 1
	}
	n, ok := scaled(number, scale, 1)
	if !ok || n == 0 || n > maxMilli {
		v.errorf("expected %s, from 1m to %d cores, found %q", want, maxMilli/1000, s)
		return 0
	}
	return n
}

// sizeMiB reads a size: "512Mi", "1G", 1073741824. A part of a MiB counts as a whole one.
func (v value) sizeMiB() uint64 { return mib(v.sizeBytes()) }

func mib(bytes uint64) uint64 { return (bytes + 1<<20 - 1) >> 20 }

func (v value) sizeBytes() uint64 {
	const want = `a size such as 512Mi, 1Gi or 10G`
	s, ok := v.text(want)
	if !ok {
		return 0
	}
	number, scale := s, int64(1)
	for _, u := range byteUnits {
		if rest, found := strings.CutSuffix(s, u.suffix); found {
			number, scale = rest, u.bytes
			break
		}
	}
	n, ok := scaled(number, scale, 1)
	if !ok || n == 0 || n > maxMiB<<20 {
		v.errorf("expected %s, found %q", want, s)
		return 0
	}
	return n
}

// scaled returns number × scale / unit, rounded up; false for anything but a plain decimal that is not negative.
func scaled(number string, scale, unit int64) (uint64, bool) {
	if number == "" || len(number) > 32 || strings.Trim(number, "0123456789.") != "" || strings.HasPrefix(number, ".") {
		return 0, false
	}
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, false
	}
	r.Mul(r, big.NewRat(scale, unit))
	up := new(big.Int).Add(r.Num(), new(big.Int).Sub(r.Denom(), big.NewInt(1)))
	up.Quo(up, r.Denom())
	if !up.IsUint64() {
		return 0, false
	}
	return up.Uint64(), true
}
