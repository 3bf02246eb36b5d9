// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/athnet/ath/x/checks/types"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const (
	idle    = types.LicenceState_LICENCE_STATE_IDLE
	offered = types.LicenceState_LICENCE_STATE_OFFERED
	active  = types.LicenceState_LICENCE_STATE_ACTIVE
	banned  = types.LicenceState_LICENCE_STATE_BANNED
)

func must(l types.Licence, err error) types.Licence {
	if err != nil {
		panic(err)
	}
	return l
}

// One test per edge of the diagram.
func TestLicenceEdges(t *testing.T) {
	fresh := types.NewLicence(1, testOwner)
	give := must(fresh.Offer(testOperator, start))
	work := must(give.Accept(testOperator, start))
	p := types.DefaultParams()
	once, _ := work.Err(3, start, p, "w")
	out, _ := once.Err(4, start, p, "w")
	later := start.Add(p.BanTime)

	for _, c := range []struct {
		name string
		do   func() (types.Licence, error)
		want types.LicenceState
		err  error
	}{
		{"bought", func() (types.Licence, error) { return fresh, nil }, idle, nil},
		{"idle - take back", func() (types.Licence, error) { return fresh.TakeBack() }, 0, types.ErrLicenceState},
		{"idle - accept", func() (types.Licence, error) { return fresh.Accept(testOperator, start) }, 0, types.ErrUnauthorized},
		{"idle - offer", func() (types.Licence, error) { return give, nil }, offered, nil},
		{"idle - offer to oneself", func() (types.Licence, error) { return fresh.Offer(testOwner, start) }, active, nil},
		{"idle - transfer", func() (types.Licence, error) { return fresh.Transfer(testOperator) }, idle, nil},
		{"idle - transfer to oneself", func() (types.Licence, error) { return fresh.Transfer(testOwner) }, 0, types.ErrLicenceState},
		{"offered - again", func() (types.Licence, error) { return give.Offer(testOperator, start) }, 0, types.ErrLicenceState},
		{"offered - to another", func() (types.Licence, error) { return give.Offer(testOther, start) }, offered, nil},
		{"offered - take back", func() (types.Licence, error) { return give.TakeBack() }, idle, nil},
		{"offered - accept", func() (types.Licence, error) { return work, nil }, active, nil},
		{"offered - accepted by another", func() (types.Licence, error) { return give.Accept(testOther, start) }, 0, types.ErrUnauthorized},
		{"active - accept", func() (types.Licence, error) { return work.Accept(testOperator, start) }, 0, types.ErrLicenceState},
		{"active - take back", func() (types.Licence, error) { return work.TakeBack() }, idle, nil},
		{"active - to another", func() (types.Licence, error) { return work.Offer(testOther, start) }, offered, nil},
		{"active - transfer", func() (types.Licence, error) { return work.Transfer(testOther) }, idle, nil},
		{"active - one mistake", func() (types.Licence, error) { return once, nil }, active, nil},
		{"active - two mistakes", func() (types.Licence, error) { return out, nil }, banned, nil},
		{"banned - accept", func() (types.Licence, error) { return out.Accept(testOperator, later.Add(-1)) }, 0, types.ErrBanned},
		{"banned - accept after", func() (types.Licence, error) { return out.Accept(testOperator, later) }, active, nil},
		{"banned - to another", func() (types.Licence, error) { return out.Offer(testOther, start) }, offered, nil},
		{"banned - to oneself", func() (types.Licence, error) { return out.Offer(testOwner, start) }, offered, nil},
		{"banned - to another, accepted", func() (types.Licence, error) { return must(out.Offer(testOther, start)).Accept(testOther, start) }, 0, types.ErrBanned},
		{"banned - transferred, accepted", func() (types.Licence, error) {
			return must(must(out.Transfer(testOther)).Offer(testOperator, start)).Accept(testOperator, start)
		}, 0, types.ErrBanned},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.do()
			if c.err != nil {
				require.ErrorIs(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got.State, got.Reason)
			require.NotEmpty(t, got.Reason, "every state says why")
			require.NoError(t, got.Validate())
		})
	}
	require.Equal(t, "2 rounds with wrong tasks within 168h0m0s, the last in round 4: w", out.Reason)
}

func TestMistakesCountPerRoundAndWindow(t *testing.T) {
	p := types.DefaultParams()
	work := must(types.NewLicence(1, testOwner).Offer(testOwner, start))
	one, noted := work.Err(3, start, p, "w")
	require.True(t, noted)
	same, noted := one.Err(3, start, p, "another shard")
	require.False(t, noted, "one outage is one mistake")
	require.Equal(t, one, same)
	late, noted := one.Err(900, start.Add(p.BanWindow), p, "w")
	require.True(t, noted)
	require.Equal(t, active, late.State, "the first is out of the window")
	require.Len(t, late.Mistakes, 1)
	require.Equal(t, uint64(2), late.Wrong)
}

// However a licence is passed around, nobody works with it while it is banned, and it never carries more than it may.
func TestBansCantBeWashedOff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := types.DefaultParams()
		p.BanAfter = rapid.Uint32Range(1, 4).Draw(t, "ban_after")
		l, now, round := types.NewLicence(1, testOwner), start, uint64(0)
		who := rapid.SampledFrom([]string{testOwner, testOperator, testOther})
		var until time.Time
		for range 40 {
			before := l
			var err error
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				l, err = l.Offer(who.Draw(t, "operator"), now)
			case 1:
				l, err = l.Accept(who.Draw(t, "operator"), now)
			case 2:
				l, err = l.TakeBack()
			case 3:
				l, err = l.Transfer(who.Draw(t, "recipient"))
			case 4:
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(p.BanTime)).Draw(t, "wait")))
			case 5:
				round += rapid.Uint64Range(0, 2).Draw(t, "rounds")
				l, _ = l.Err(round, now, p, "w")
				if l.State == banned && before.State != banned {
					until = *l.BannedUntil
				}
			}
			if err != nil {
				require.Equal(t, before, l, "an error changes nothing")
			}
			require.NoError(t, l.Validate())
			require.Less(t, len(l.Mistakes), int(p.BanAfter))
			if l.State == active && before.State != active {
				require.False(t, now.Before(until), "accepted at %s, banned until %s", now, until)
			}
			require.Equal(t, l.State == active, l.Sitter() != "")
		}
	})
}
