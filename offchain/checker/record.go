// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/athnet/ath/offchain/store"
	checktypes "github.com/athnet/ath/x/checks/types"
)

const (
	bucketMeta     = "meta"     // "chain" -> chain-id
	bucketRounds   = "rounds"   // round, big endian -> record
	bucketEvidence = "evidence" // round, shard, big endian -> Evidence
)

// record is everything that is needed to open a commit. It is written before the commit is sent and never changed afterwards: a
// commit whose record is lost is a reveal that is lost, and that costs the licence owner.
type record struct {
	Round  uint64 `json:"round"`
	Report []byte `json:"report"` // protobuf
	Salt   []byte `json:"salt"`
}

func (r record) report() (checktypes.Report, error) {
	var report checktypes.Report
	if err := report.Unmarshal(r.Report); err != nil {
		return report, fmt.Errorf("record of round %d: %w", r.Round, err)
	}
	return report, nil
}

// records keeps them.
type records struct{ db store.Store }

// bind ties the store to a chain: opening another chain's commits would only look like lost reveals.
func (r records) bind(chainID string) error {
	return r.db.Update(func(tx store.Tx) error {
		have, err := tx.Get(bucketMeta, []byte("chain"))
		switch {
		case errors.Is(err, store.ErrNotFound):
			return tx.Put(bucketMeta, []byte("chain"), []byte(chainID))
		case err != nil:
			return err
		case string(have) != chainID:
			return fmt.Errorf("this home belongs to chain %q and the node runs %q: give another --home", have, chainID)
		}
		return nil
	})
}

// load returns the record of a round, or store.ErrNotFound.
func (r records) load(round uint64) (rec record, err error) {
	err = r.db.View(func(tx store.Tx) error {
		rec, err = store.GetJSON[record](tx, bucketRounds, roundKey(round))
		return err
	})
	return rec, err
}

// save writes a record with its evidence, once: where there is one already, that one is returned and nothing is written.
func (r records) save(rec record, shards []checktypes.ShardReport, evidence []Evidence) (record, error) {
	err := r.db.Update(func(tx store.Tx) error {
		old, err := store.GetJSON[record](tx, bucketRounds, roundKey(rec.Round))
		if err == nil {
			rec = old
			return nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		for i, s := range shards {
			if err := store.PutJSON(tx, bucketEvidence, evidenceKey(rec.Round, s.Shard), evidence[i]); err != nil {
				return err
			}
		}
		return store.PutJSON(tx, bucketRounds, roundKey(rec.Round), rec)
	})
	if err != nil {
		return record{}, fmt.Errorf("save record of round %d: %w", rec.Round, err)
	}
	return rec, nil
}

// evidence of one shard in one round, as JSON.
func (r records) evidence(round, shard uint64) (raw []byte, err error) {
	err = r.db.View(func(tx store.Tx) error {
		raw, err = tx.Get(bucketEvidence, evidenceKey(round, shard))
		return err
	})
	return raw, err
}

// prune forgets rounds before a round.
func (r records) prune(before uint64) error {
	return r.db.Update(func(tx store.Tx) error {
		for _, bucket := range []string{bucketRounds, bucketEvidence} {
			var old [][]byte
			err := tx.Walk(bucket, nil, func(key, _ []byte) error {
				if binary.BigEndian.Uint64(key) >= before {
					return errDone
				}
				old = append(old, key)
				return nil
			})
			if err != nil && !errors.Is(err, errDone) {
				return err
			}
			for _, key := range old {
				if err := tx.Delete(bucket, key); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

var errDone = errors.New("done")

func roundKey(round uint64) []byte { return binary.BigEndian.AppendUint64(nil, round) }

func evidenceKey(round, shard uint64) []byte {
	return binary.BigEndian.AppendUint64(roundKey(round), shard)
}
