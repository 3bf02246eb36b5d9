// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"crypto/ed25519"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/testutil/shadow"
	leasestypes "github.com/athnet/ath/x/leases/types"
)

// record is what the worker of a Container signs of its lease now, after the records of before.
func (s *street) record(lease string, container uint64, before ...leasestypes.UsageRecord) leasestypes.UsageRecord {
	r := leasestypes.UsageRecord{
		LeaseId: lease, Sequence: 1, From: s.now, Until: s.now, ImageDigest: make([]byte, 32), CpuMs: 1_000, MemoryMib: 512,
		BlockHeight: s.height, BlockHash: make([]byte, 32),
	}
	if n := len(before); n > 0 {
		r.Sequence, r.From, r.PrevHash = before[n-1].Sequence+1, before[n-1].Until, before[n-1].SignBytes(shadow.ChainID)
	}
	r.Signature = ed25519.Sign(rackKey(int(container)), r.SignBytes(shadow.ChainID))
	return r
}

// usage hands records in.
func (s *street) usage(records ...leasestypes.UsageRecord) *leasestypes.MsgSubmitUsage {
	return &leasestypes.MsgSubmitUsage{Operator: s.owner.String(), Records: records}
}

// BenchmarkFigureUsage says what a usage record costs that comes alone, with nine and with 99 others in one transaction: of as many leases, and of
// one. Signature, bytes, fee and state are included; all leases have started before.
func BenchmarkFigureUsage(b *testing.B) {
	const most = 100
	for b.Loop() {
		s := newStreet(b, nil, senders)
		_, opened := s.block(s.opens()...)
		chains := make([][]leasestypes.UsageRecord, most)
		var first []leasestypes.UsageRecord
		for i := range chains {
			lease := answerOf[leasestypes.MsgCreateLeaseResponse](b, opened.TxResults[i])
			chains[i] = append(chains[i], s.record(lease.LeaseId, lease.ContainerId))
			first = append(first, chains[i][0])
		}
		s.block(s.sign(s.owner, s.usage(first...)))
		next := func(lease int) leasestypes.UsageRecord {
			of := chains[lease]
			r := s.record(of[0].LeaseId, uint64(lease+1), of...)
			chains[lease] = append(of, r)
			return r
		}
		gas := func(n int, lease func(i int) int) float64 {
			var records []leasestypes.UsageRecord
			for i := range n {
				records = append(records, next(lease(i)))
			}
			_, res := s.block(s.sign(s.owner, s.usage(records...)))
			return float64(res.TxResults[0].GasUsed) / float64(n)
		}
		each := func(i int) int { return i }
		same := func(int) int { return 0 }
		one, ten, hundred := gas(1, each), gas(10, each), gas(most, each)
		b.ReportMetric(one, "usage_record_gas")
		b.ReportMetric(ten, "usage_record_10_gas")
		b.ReportMetric(hundred, "usage_record_100_gas")
		b.ReportMetric(hundred/one, "usage_record_100_ratio")
		require.Less(b, ten, one)
		require.Less(b, hundred, ten)
		ten, hundred = gas(10, same), gas(most, same)
		b.ReportMetric(hundred, "usage_record_100_of_lease_gas")
		b.ReportMetric(hundred/one, "usage_record_100_of_lease_ratio")
		require.Less(b, ten, one)
		require.Less(b, hundred, ten)
	}
}
