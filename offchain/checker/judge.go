// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"bytes"
	"math/bits"
	"slices"
	"time"

	"github.com/athnet/ath/offchain/checker/probe"
	checktypes "github.com/athnet/ath/x/checks/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// Blocks knows the hashes of recent blocks.
type Blocks interface {
	// Hash of the block at a height; nil where it is not known.
	Hash(height int64) []byte
}

// Verdict is what the samples of one Container say.
type Verdict struct {
	// Counted samples; those with a fault on this side do not count.
	Counted int
	// Good ones among them.
	Good int
	// Quality byte: see qualityOf.
	Quality byte
}

// Healthy says whether more than half of the samples that count are good. One lost packet does not make a fault, and one lucky answer does
// not make health.
func (v Verdict) Healthy() bool { return 2*v.Good > v.Counted }

// judge weighs the samples of one Container. Pure: anyone with the evidence and the chain's blocks gets the same answer.
func judge(samples []probe.Sample, blocks Blocks, maxLag int64) Verdict {
	var (
		v       Verdict
		latency []time.Duration
		ports   []time.Duration
	)
	for _, s := range samples {
		if s.Kind == probe.Local {
			continue
		}
		v.Counted++
		if s.Kind != probe.OK || !fresh(s, blocks, maxLag) {
			continue
		}
		v.Good++
		latency = append(latency, s.LatencyNS)
		ports = append(ports, s.PortsNS...)
	}
	v.Quality = qualityOf(latency, ports)
	return v
}

// fresh: the worker named a block of this chain that was at most maxLag blocks old when it was asked. A worker may be ahead of
// the Checker; by the time of judging the Checker has that block too.
func fresh(s probe.Sample, blocks Blocks, maxLag int64) bool {
	hash := blocks.Hash(s.Height)
	return hash != nil && bytes.Equal(hash, s.BlockHash) && s.Height >= s.Head-maxLag
}

// qualityOf packs quality into a byte: the low four bits are the bucket of the median latency of the worker's endpoint; the high
// four are 0 where no port of a workload was tried, else 1 + the bucket of the median connection time, or 15 where most failed.
// Bucket b holds [2^(b-1), 2^b) ms.
func qualityOf(latency, ports []time.Duration) byte {
	q := bucket(median(latency), 15)
	if len(ports) == 0 {
		return q
	}
	for i, p := range ports {
		if p < 0 {
			ports[i] = time.Hour
		}
	}
	m := median(ports)
	if m == time.Hour {
		return q | 15<<4
	}
	return q | (1+bucket(m, 13))<<4
}

func bucket(d time.Duration, most int) byte {
	return byte(min(bits.Len64(uint64(max(d, 0)/time.Millisecond)), most))
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(d))
	return s[len(s)/2]
}

// assembleReport judges every member of every shard. undecided counts members about which nothing could be learnt because of
// faults on this side; they are reported as not healthy, since a Checker vouches only for what it saw.
func assembleReport(shards []Shard, samples map[uint64][]probe.Sample, blocks Blocks, maxLag int64) (report checktypes.Report, evidence []Evidence, undecided int) {
	for _, sh := range shards {
		var (
			healthy providertypes.Bitmap
			quality []byte
			proof   Evidence
		)
		for slot := range sh.Members.Slots() {
			id := sh.Number*providertypes.ShardSize + slot
			v := judge(samples[id], blocks, maxLag)
			if v.Counted == 0 {
				undecided++
			}
			if v.Healthy() {
				healthy = healthy.With(slot)
				quality = append(quality, v.Quality)
			}
			proof.Samples = append(proof.Samples, samples[id]...)
		}
		proof.seal()
		evidence = append(evidence, proof)
		report.Shards = append(report.Shards, checktypes.ShardReport{
			Shard: sh.Number, Healthy: healthy, Quality: quality, EvidenceRoot: proof.Root,
		})
	}
	return report, evidence, undecided
}
