// SPDX-License-Identifier: Apache-2.0

package clock

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestManual(t *testing.T) {
	m := NewManual(time.Unix(0, 0))
	late, soon, gone := m.NewTimer(2*time.Second), m.NewTimer(time.Second), m.NewTimer(time.Second)
	m.AwaitTimers(3)
	gone.Stop()
	m.Advance(time.Second)
	require.Equal(t, time.Unix(1, 0), <-soon.C())
	require.Empty(t, late.C())
	require.Empty(t, gone.C())
	m.Set(time.Unix(9, 0))
	require.Equal(t, time.Unix(9, 0), <-late.C())
	require.Equal(t, time.Unix(9, 0), <-m.NewTimer(0).C())
	require.Equal(t, time.Unix(9, 0), m.Now())
}

func TestReal(t *testing.T) {
	timer := Real.NewTimer(0)
	defer timer.Stop()
	<-timer.C()
	require.WithinDuration(t, time.Now(), Real.Now(), time.Minute)
}
