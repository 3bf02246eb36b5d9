// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

type byteUnit struct {
	suffix string
	bytes  int64
}

// byteUnits are the suffixes of sizes; the binary ones first.
var byteUnits = []byteUnit{
	{"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}, {"Ti", 1 << 40}, {"Pi", 1 << 50}, {"Ei", 1 << 60},
	{"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"P", 1e15}, {"E", 1e18},
}

// binaryUnits is how many of byteUnits are binary.
const binaryUnits = 6

// SDL's bounds of what one replica may ask for.
const (
	minMilli, maxMilli     = 10, 384_000
	minMemory, maxMemory   = 1 << 20, 2 << 40
	minStorage, maxStorage = 5 << 20, 32 << 40
)

// maxMiB is far above every machine and keeps sums of all services within uint64.
const maxMiB = 1 << 40

// number is what SDL reads as a quantity; its exponent is bounded so that it costs little.
var number = regexp.MustCompile(`^\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?$`)

// cpuMilli reads CPU time: "0.5", "500m", 2. A part of a thousandth counts as a whole one.
func (v value) cpuMilli() uint64 {
	const want = `CPU units such as 0.5, 2 or "500m"`
	s, ok := v.text(want)
	if !ok {
		return 0
	}
	n, ok := milli(s)
	if !ok {
		v.errorf("expected %s, found %q", want, s)
	}
	return n
}

func milli(s string) (uint64, bool) {
	if rest, thousandths := strings.CutSuffix(s, "m"); thousandths {
		n, err := strconv.ParseUint(rest, 10, 32)
		return n, err == nil
	}
	n, ok := scaled(s, 1000)
	if !ok || n > math.MaxUint32 {
		return 0, false
	}
	return n, true
}

// consoleSize is how Akash's Console writes and reads sizes: in any case, with B for bytes or without.
var consoleSize = regexp.MustCompile(`(?i)^([0-9]+\.?[0-9]*|\.[0-9]+)([kmgtpe])([ib]?)$`)

// strict is the size that Akash's command line reads as its Console reads s: 8G for 8GB, 2Gi for 2gi.
func strict(s string) string {
	m := consoleSize.FindStringSubmatch(s)
	if m == nil {
		return s
	}
	unit := strings.ToUpper(m[2])
	if strings.EqualFold(m[3], "i") {
		return m[1] + unit + "i"
	}
	return m[1] + strings.Replace(unit, "K", "k", 1)
}

func mib(bytes uint64) uint64 { return (bytes + 1<<20 - 1) >> 20 }

// sizeBytes reads a size: "512Mi", "1G", 1073741824. A part of a byte counts as a whole one.
func (v value) sizeBytes() uint64 { return v.size(`a size such as 512Mi, 1Gi or 10G`, byteUnits) }

// vramBytes reads the memory of a GPU, for which SDL has no decimal units.
func (v value) vramBytes() uint64 {
	return v.size(`a size such as 24Gi or 81920Mi`, byteUnits[:binaryUnits])
}

func (v value) size(want string, units []byteUnit) uint64 {
	s, ok := v.text(want)
	if !ok {
		return 0
	}
	plain := strict(s)
	n, ok := bytesOf(plain, units)
	if !ok {
		v.errorf("expected %s, found %q", want, s)
		return 0
	}
	if plain != s {
		v.warnf("%q is read as %s, as Akash's Console reads it; Akash's command line refuses it", s, plain)
	}
	return n
}

func bytesOf(s string, units []byteUnit) (uint64, bool) {
	digits, scale := s, int64(1)
	for _, u := range units {
		if rest, found := strings.CutSuffix(s, u.suffix); found {
			digits, scale = rest, u.bytes
			break
		}
	}
	n, ok := scaled(digits, scale)
	if !ok || n > maxMiB<<20 {
		return 0, false
	}
	return n, true
}

// scaled returns digits × scale, rounded up; false for what SDL reads as no number, and for what is negative.
func scaled(digits string, scale int64) (uint64, bool) {
	if len(digits) > 32 || !number.MatchString(digits) {
		return 0, false
	}
	r, ok := new(big.Rat).SetString(digits)
	if !ok {
		return 0, false
	}
	r.Mul(r, big.NewRat(scale, 1))
	up := new(big.Int).Add(r.Num(), new(big.Int).Sub(r.Denom(), big.NewInt(1)))
	up.Quo(up, r.Denom())
	if !up.IsUint64() {
		return 0, false
	}
	return up.Uint64(), true
}
