// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	leasetypes "github.com/athnet/ath/x/leases/types"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/voucher"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// Reading is what a service had used when it was last measured, since the start named.
type Reading struct {
	Since time.Time     `json:"since"`
	CPU   time.Duration `json:"cpu"`
	Rx    uint64        `json:"rx"`
	Tx    uint64        `json:"tx"`
}

// used is what a lease used in an interval.
type used struct {
	cpu       time.Duration
	memoryMiB uint64
	gpu       time.Duration
	rx, tx    uint64
}

// advance returns what was used between two readings of a service. A service that was restarted counts from its new start;
// what it used between the last reading and its end is lost, in the tenant's favour. Counters that ran backwards count nothing.
func advance(before, after Reading) used {
	if !before.Since.Equal(after.Since) {
		before = Reading{}
	}
	return used{cpu: max(0, after.CPU-before.CPU), rx: less(after.Rx, before.Rx), tx: less(after.Tx, before.Tx)}
}

func less(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}

// measureTime is what an engine may take to measure a lease: that it runs is known without, and is what is paid for.
const measureTime = 10 * time.Second

// measure reads every running service of a lease. What does not run can't be read and used nothing that is still known. What runs and can't
// be read, because the engine has lost it or does not answer, keeps its last reading: the time is recorded, and what it used meanwhile is
// in the next record that can say it.
func (w *Worker) measure(ctx context.Context, intent Intent) (map[string]Reading, used, error) {
	bounded, cancel := context.WithTimeout(ctx, measureTime)
	defer cancel()
	readings, sum := map[string]Reading{}, used{}
	for _, i := range w.instances(intent.Lease) {
		if i.State != runtime.StateRunning {
			continue
		}
		s, err := w.runtime.Stats(bounded, i.Key)
		if ctx.Err() != nil {
			return nil, used{}, fmt.Errorf("measure service %s: %w", i.Service, ctx.Err())
		}
		if err != nil {
			if before, known := intent.Meter[i.Service]; known {
				readings[i.Service] = before
			}
			w.log.Warn("a service that runs can't be measured", "lease_id", i.Lease, "service", i.Service, "err", err)
			continue
		}
		r := Reading{Since: i.StartedAt, CPU: s.CPU, Rx: s.RxBytes, Tx: s.TxBytes}
		readings[i.Service] = r
		u := advance(intent.Meter[i.Service], r)
		sum.cpu += u.cpu
		sum.rx += u.rx
		sum.tx += u.tx
		sum.memoryMiB += s.MemoryMiB
	}
	sum.gpu = w.gpu.take()
	return readings, sum, nil
}

// sign appends the next record to an intent, still in memory only: the caller writes it before anybody else sees it.
func (w *Worker) sign(intent *Intent, from, until time.Time, u used) error {
	m, ok := w.book.parsed[intent.ManifestHash] // called within book.update
	if !ok {
		return fmt.Errorf("sign usage of lease %s: no manifest", intent.Lease)
	}
	head := w.latest()
	record, next, err := voucher.Sign(intent.Head, leasetypes.UsageRecord{
		From: from, Until: latest(from, until), ImageDigest: imageDigest(m),
		CpuMs: uint64(u.cpu.Milliseconds()), MemoryMib: u.memoryMiB, GpuMs: uint64(u.gpu.Milliseconds()),
		NetworkRx: u.rx, NetworkTx: u.tx, BlockHeight: head.Height, BlockHash: head.Hash,
	}, w.network().ChainID, w.key)
	if err != nil {
		return err
	}
	intent.Head, intent.Pending = next, append(slices.Clone(intent.Pending), record)
	return nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// stamp is the time that goes into a record: the machine's, but never so far ahead of block time that the chain would refuse it.
func (w *Worker) stamp() time.Time {
	now, head := w.clock.Now(), w.latest()
	if limit := head.Time.Add(w.network().MaxClockSkew); !head.Time.IsZero() && now.After(limit) && head.Height > 0 {
		// Block time stands while the network does; then the record ends there and the next one covers the rest.
		return limit.UTC()
	}
	return now.UTC()
}

// imageDigest is the SHA-256 over the image digests of all services in order of name.
func imageDigest(m manifest.Manifest) []byte {
	h := sha256.New()
	for _, s := range slices.SortedFunc(slices.Values(m.Services), func(a, b manifest.Service) int { return strings.Compare(a.Name, b.Name) }) {
		_, digest, _ := strings.Cut(s.Image, "@sha256:") // checked when the manifest came
		raw, err := hex.DecodeString(digest)
		if err != nil {
			raw = []byte(digest)
		}
		h.Write(raw)
	}
	return h.Sum(nil)
}
