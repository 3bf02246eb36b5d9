// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/athnet/ath/x/providers/types"
)

// slotModel is what a shard means for one slot.
type slotModel struct {
	member, previous, joining bool
	health                    string // "", healthy, faulty
}

// TestShardHealthModel compares bitmap arithmetic with a plain map of slots.
func TestShardHealthModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, model := types.ShardHealth{}, map[uint64]*slotModel{}
		at, number := epoch, uint64(0)
		used := []uint64{0, 1, 7, 8, 63, 64, 200, 511}
		slots := rapid.SampledFrom(used)
		bitmap := rapid.Custom(func(t *rapid.T) types.Bitmap {
			return types.BitmapOf(rapid.SliceOfN(slots, 0, 8).Draw(t, "slots")...)
		})
		t.Repeat(map[string]func(*rapid.T){
			"join": func(t *rapid.T) {
				s := slots.Draw(t, "slot")
				h, model[s] = h.Join(s), &slotModel{joining: true}
			},
			"leave": func(t *rapid.T) {
				s := slots.Draw(t, "slot")
				h = h.Leave(s)
				delete(model, s)
			},
			"verdict": func(t *rapid.T) {
				healthy := bitmap.Draw(t, "healthy")
				faulty := bitmap.Draw(t, "faulty").AndNot(healthy)
				v := types.ShardVerdict{
					Round: number, From: at, Until: at.Add(time.Minute), FaultSince: at.Add(-time.Minute),
					Decided: rapid.Bool().Draw(t, "decided"), Healthy: healthy, Faulty: faulty,
					Suspect: bitmap.Draw(t, "suspect").AndNot(healthy).AndNot(faulty),
				}
				at, number = v.Until, number+1
				next, change, err := h.Apply(v)
				require.NoError(t, err)
				for s, m := range model {
					spoken := m.previous && v.Decided
					require.Equal(t, spoken && healthy.Has(s) && m.health != "healthy", change.Rose.Has(s), "rose %d", s)
					require.Equal(t, spoken && faulty.Has(s) && m.health != "faulty", change.Fell.Has(s), "fell %d", s)
					require.Equal(t, spoken && !healthy.Has(s) && m.health == "healthy", change.Skipped.Has(s), "skipped %d", s)
					if spoken && healthy.Has(s) {
						m.health = "healthy"
					}
					if spoken && faulty.Has(s) {
						m.health = "faulty"
					}
					m.previous, m.member, m.joining = m.member, m.member || m.joining, false
				}
				touched := change.Rose.Or(change.Fell).Or(change.Skipped)
				require.True(t, touched.AndNot(h.PreviousMembers).Empty(), "only spoken members are touched")
				h = next
			},
			"": func(t *rapid.T) {
				for _, s := range used {
					m := model[s]
					if m == nil {
						m = &slotModel{}
					}
					require.Equal(t, m.member, types.Bitmap(h.Members).Has(s))
					require.Equal(t, m.previous, types.Bitmap(h.PreviousMembers).Has(s))
					require.Equal(t, m.joining, types.Bitmap(h.Joining).Has(s))
					require.Equal(t, m.health == "healthy", types.Bitmap(h.Healthy).Has(s))
					require.Equal(t, m.health == "faulty", types.Bitmap(h.Faulty).Has(s))
					require.Equal(t, m.member || m.joining, h.Checks(s))
				}
				require.Equal(t, len(model) == 0, h.Vacant())
				if !h.Vacant() {
					require.NoError(t, h.Validate())
				}
			},
		})
	})
}

// FuzzShardVerdict: verdicts carry bitmaps that operators wrote. No bytes may panic, grow a shard or touch who was not spoken of.
func FuzzShardVerdict(f *testing.F) {
	f.Add([]byte{1}, []byte{2}, []byte{4}, []byte{0xff}, true)
	f.Add(bytes.Repeat([]byte{0xff}, 64), []byte{}, []byte{}, bytes.Repeat([]byte{0xff}, 64), true)
	f.Add(make([]byte, 65), []byte{}, []byte{}, []byte{}, false)
	f.Fuzz(func(t *testing.T, healthy, faulty, suspect, members []byte, decided bool) {
		if len(members) > types.MaxBitmapBytes {
			members = members[:types.MaxBitmapBytes]
		}
		m := types.Bitmap(members).Canonical()
		h := types.ShardHealth{Members: m, PreviousMembers: m}
		next, change, err := h.Apply(types.ShardVerdict{
			From: epoch, Until: epoch.Add(1), FaultSince: epoch, Decided: decided,
			Healthy: healthy, Faulty: faulty, Suspect: suspect,
		})
		if err != nil {
			require.ErrorIs(t, err, types.ErrInvalidVerdict)
			require.Equal(t, h, next)
			return
		}
		require.True(t, change.Rose.Or(change.Fell).Or(change.Skipped).AndNot(m).Empty())
		if !next.Vacant() {
			require.NoError(t, next.Validate())
		}
	})
}
