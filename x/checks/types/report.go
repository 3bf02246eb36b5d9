// SPDX-License-Identifier: Apache-2.0

package types

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"

	providertypes "github.com/athnet/ath/x/providers/types"
)

const (
	// HashSize is the length of seeds, commits, salts and evidence roots: SHA-256.
	HashSize = sha256.Size
	// MaxReportShards bounds a report: 1,024 shards with every byte used are 620 kB, which a block still carries. Shards
	// beyond it are left out and count as not revealed; an operator with so many should give licences to others.
	MaxReportShards = 1024

	commitDomain = "ath/commit/v1"
	reportDomain = "ath/report/v1"
)

// CommitHash seals a report: H(domain, chain-id, operator, round, shards, report root, salt), every variable part behind its
// length. The operator in it makes a copied commit worthless; the round and the chain-id make it single-use; the salt, 32
// random bytes, hides a report that has few possible contents.
func CommitHash(chainID, operator string, round uint64, report Report, salt []byte) []byte {
	d := digest{sha256.New()}
	d.bytes([]byte(commitDomain))
	d.bytes([]byte(chainID))
	d.bytes([]byte(operator))
	d.number(round)
	d.number(uint64(len(report.Shards)))
	for _, s := range report.Shards {
		d.number(s.Shard)
	}
	d.bytes(report.Root())
	d.bytes(salt)
	return d.Sum(nil)
}

// Root is the digest of everything that a report says, 32 bytes.
func (r Report) Root() []byte {
	d := digest{sha256.New()}
	d.bytes([]byte(reportDomain))
	d.number(uint64(len(r.Shards)))
	for _, s := range r.Shards {
		d.number(s.Shard)
		d.bytes(s.Healthy)
		d.bytes(s.Quality)
		d.bytes(s.EvidenceRoot)
	}
	return d.Sum(nil)
}

// Validate checks what can be said of a report without state: order, sizes and that each bitmap has one form only.
func (r Report) Validate() error {
	if len(r.Shards) == 0 {
		return ErrInvalidReport.Wrap("shards: empty; leave the report out where there is nothing to report")
	}
	if len(r.Shards) > MaxReportShards {
		return ErrInvalidReport.Wrapf("shards: at most %d, have %d", MaxReportShards, len(r.Shards))
	}
	for i, s := range r.Shards {
		if i > 0 && s.Shard <= r.Shards[i-1].Shard {
			return ErrInvalidReport.Wrapf("shards[%d]: %d does not follow %d; order shards by number, each once", i, s.Shard, r.Shards[i-1].Shard)
		}
		if err := s.validate(); err != nil {
			return ErrInvalidReport.Wrapf("shards[%d]: %v", i, err)
		}
	}
	return nil
}

func (s ShardReport) validate() error {
	if len(s.Healthy) > providertypes.MaxBitmapBytes {
		return fmt.Errorf("healthy: at most %d bytes, have %d", providertypes.MaxBitmapBytes, len(s.Healthy))
	}
	if n := len(s.Healthy); n > 0 && s.Healthy[n-1] == 0 {
		return errors.New("healthy: ends in a zero byte; cut trailing zero bytes")
	}
	if len(s.Quality) != 0 {
		if healthy := providertypes.Bitmap(s.Healthy).Count(); len(s.Quality) != healthy {
			return fmt.Errorf("quality: want one byte for each of %d healthy containers or none, have %d", healthy, len(s.Quality))
		}
	}
	if len(s.EvidenceRoot) != HashSize {
		return fmt.Errorf("evidence_root: want %d bytes, have %d", HashSize, len(s.EvidenceRoot))
	}
	return nil
}

// Shard returns what a report says of one shard.
func (r Report) Shard(shard uint64) (ShardReport, bool) {
	lo, hi := 0, len(r.Shards)
	for lo < hi {
		if mid := (lo + hi) / 2; r.Shards[mid].Shard < shard {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == len(r.Shards) || r.Shards[lo].Shard != shard {
		return ShardReport{}, false
	}
	return r.Shards[lo], true
}

// digest writes parts into a hash so that no two lists of parts give the same input.
type digest struct{ hash.Hash }

func (d digest) number(v uint64) { d.Write(binary.BigEndian.AppendUint64(nil, v)) }

func (d digest) bytes(b []byte) {
	d.number(uint64(len(b)))
	d.Write(b)
}
