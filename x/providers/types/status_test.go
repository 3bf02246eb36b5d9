// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/athnet/ath/x/providers/types"
)

var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// TestOutage: whatever happens to a Container, in whatever order,
//   - its outage index never decreases;
//   - a lease never sees more outage than the time that it has lasted;
//   - a fault stands only while the Container is checked;
//   - every status that comes out is valid.
func TestOutage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now := types.NewStatus(7), epoch
		last, boundAt, boundOutage := time.Duration(0), now, time.Duration(0)
		step := func(next types.ContainerStatus, err error) {
			if err != nil {
				require.ErrorIs(t, err, types.ErrWrongState)
				return
			}
			s = next
		}
		t.Repeat(map[string]func(*rapid.T){
			"time passes": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.Int64Range(1, int64(2*time.Hour)).Draw(t, "ns")))
			},
			"hear": func(t *rapid.T) {
				step(s.Hear(now, rapid.SampledFrom([]string{"", "", "XID 79"}).Draw(t, "device fault")))
			},
			"fail": func(t *rapid.T) {
				ago := time.Duration(rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(t, "ago"))
				step(s.Fail(now.Add(-ago), now, "fault"))
			},
			"heal": func(t *rapid.T) { step(s.Heal(now)) },
			"bind": func(t *rapid.T) {
				next, err := s.Bind("tenant/1", now)
				if err != nil {
					require.ErrorIs(t, err, types.ErrContainerNotFree)
					return
				}
				s, boundAt, boundOutage = next, now, next.OutageAt(now)
			},
			"release": func(t *rapid.T) {
				if s.Lease != "" {
					step(s.Release("tenant/1", rapid.Bool().Draw(t, "not started"), now.Add(time.Hour), now))
				}
			},
			"maintain": func(t *rapid.T) { step(s.Maintain(rapid.Bool().Draw(t, "on"), "why", now)) },
			"": func(t *rapid.T) {
				outage := s.OutageAt(now)
				require.GreaterOrEqual(t, outage, last)
				last = outage
				if s.Lease != "" {
					require.LessOrEqual(t, outage-boundOutage, now.Sub(boundAt))
				}
				require.NoError(t, s.Validate())
			},
		})
	})
}

func TestFaultIsCountedFromItsRoundButNotTwice(t *testing.T) {
	at := func(m int) time.Time { return epoch.Add(time.Duration(m) * time.Minute) }
	s := types.ContainerStatus{Id: 1, State: stReady}
	s, err := s.Fail(at(10), at(30), "why")
	require.NoError(t, err)
	require.Equal(t, stOffline, s.State)
	require.Equal(t, at(10), *s.FaultAt)
	require.Equal(t, 20*time.Minute, s.OutageAt(at(30)))
	require.Zero(t, s.OutageAt(at(5)))

	s, err = s.Fail(at(2), at(31), "again")
	require.NoError(t, err)
	require.Equal(t, at(10), *s.FaultAt, "a fault that stands keeps its beginning")

	s, err = s.Heal(at(40))
	require.NoError(t, err)
	require.Equal(t, 30*time.Minute, s.OutageAt(at(500)))

	// The next fault began while the chain still counted the one before.
	s, err = s.Fail(at(35), at(50), "why")
	require.NoError(t, err)
	require.Equal(t, at(40), *s.FaultAt)

	// A lease does not inherit what was before it.
	s, err = s.Heal(at(60))
	require.NoError(t, err)
	s, err = s.Bind("t/1", at(70))
	require.NoError(t, err)
	s, err = s.Fail(at(65), at(80), "why")
	require.NoError(t, err)
	require.Equal(t, at(70), *s.FaultAt)
	require.Equal(t, stLeased, s.State)
	require.Equal(t, 10*time.Minute, s.OutageAt(at(80))-s.OutageAt(at(70)))
}

func TestReasons(t *testing.T) {
	s := types.ContainerStatus{Id: 1, State: stLeased, Lease: "t/1"}
	s, err := s.Fail(epoch, epoch, "found faulty")
	require.NoError(t, err)
	require.Equal(t, "found faulty", s.Reason)
	s, err = s.Maintain(true, "moving house", epoch)
	require.NoError(t, err)
	s, err = s.Heal(epoch)
	require.NoError(t, err)
	require.Equal(t, "moving house", s.Reason)
	s, err = s.Maintain(false, "", epoch)
	require.NoError(t, err)
	require.Empty(t, s.Reason)
	s, err = s.Release("t/1", true, epoch, epoch)
	require.NoError(t, err)
	require.Equal(t, "its last lease was not started", s.Reason)
	require.Nil(t, s.SuspendedUntil, "no suspension where the parameter is zero")
}

func TestRetireLeavesATombstoneInTheEventOnly(t *testing.T) {
	s := types.ContainerStatus{Id: 1, State: stMaintenance, Offered: true, Outage: time.Hour, Reason: "x"}
	s, err := s.Retire()
	require.NoError(t, err)
	require.Equal(t, types.ContainerStatus{Id: 1, State: stRetired}, s)
	_, err = types.ContainerStatus{Id: 1, State: stLeased, Lease: "t/1"}.Retire()
	require.ErrorIs(t, err, types.ErrWrongState)
	require.ErrorContains(t, err, "serves lease t/1")
}

// Earning is alike in Ready and Leased, or a lease would have to write the stream.
func TestEarns(t *testing.T) {
	now := epoch
	for _, state := range allStates {
		s := types.ContainerStatus{State: state, Offered: true}
		require.Equal(t, state == stReady || state == stLeased, s.Earns(), state.Label())
		for _, spoil := range []func(*types.ContainerStatus){
			func(s *types.ContainerStatus) { s.Offered = false },
			func(s *types.ContainerStatus) { s.FaultAt = &now },
			func(s *types.ContainerStatus) { s.SuspendedUntil = &now },
		} {
			bad := s
			spoil(&bad)
			require.False(t, bad.Earns())
		}
	}
}
