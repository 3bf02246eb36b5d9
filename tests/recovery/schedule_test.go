// SPDX-License-Identifier: Apache-2.0

package recovery

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// kill is one end and one start.
type kill struct {
	signal syscall.Signal
	after  time.Duration // of the schedule's begin, or of the start before
	down   time.Duration // until it is started again
}

// schedule is what happens to whom: each one's kills follow each other, all run side by side.
type schedule struct {
	number  int
	kills   map[string][]kill
	reader  int // lease whose readers are killed as well; none where negative
	closing int // lease that its tenant closes meanwhile; none where negative
	when    time.Duration
}

const (
	latest   = time.Second // begin of a kill
	downtime = 3 * time.Second
)

// draw makes the schedule of a number: the same for the same seed.
func draw(seed uint64, number int, targets []string, leases int) schedule {
	r := rand.New(rand.NewPCG(seed, uint64(number)))
	upTo := func(most time.Duration, atOnce int) time.Duration { // 0 in one of so many cases
		if r.IntN(atOnce) == 0 {
			return 0
		}
		return time.Duration(r.Int64N(int64(most))).Round(time.Millisecond)
	}
	s := schedule{number: number, kills: map[string][]kill{}, reader: -1, closing: -1}
	order := r.Perm(len(targets))
	for _, i := range order[:1+r.IntN(len(targets))] {
		for again := true; again; again = r.IntN(4) == 0 && len(s.kills[targets[i]]) < 3 {
			k := kill{signal: syscall.SIGKILL, after: upTo(latest, 2), down: upTo(downtime, 4)}
			if r.IntN(3) == 0 {
				k.signal = syscall.SIGTERM
			}
			s.kills[targets[i]] = append(s.kills[targets[i]], k)
		}
	}
	if r.IntN(2) == 0 {
		s.reader = r.IntN(leases)
	}
	if r.IntN(5) == 0 {
		s.closing, s.when = r.IntN(leases), upTo(downtime, 4)
	}
	return s
}

// String is for whoever looks at a failure.
func (s schedule) String() string {
	var out []string
	for target, kills := range s.kills {
		text := target
		for _, k := range kills {
			text += fmt.Sprintf(" %s@%s+%s", map[syscall.Signal]string{syscall.SIGKILL: "KILL", syscall.SIGTERM: "TERM"}[k.signal], k.after, k.down)
		}
		out = append(out, text)
	}
	slices.Sort(out)
	if s.reader >= 0 {
		out = append(out, fmt.Sprintf("readers of lease %d", s.reader))
	}
	if s.closing >= 0 {
		out = append(out, fmt.Sprintf("lease %d closed@%s", s.closing, s.when))
	}
	return fmt.Sprintf("%d: %s", s.number, strings.Join(out, ", "))
}

// TestSchedules: a seed gives the same schedules again, and a hundred of them have everything that may happen.
func TestSchedules(t *testing.T) {
	targets := []string{"a", "b", "c", "d"}
	seen := map[string]int{}
	for n := range 100 {
		s := draw(1, n, targets, 3)
		require.Equal(t, s, draw(1, n, targets, 3))
		require.NotEmpty(t, s.kills)
		for target, kills := range s.kills {
			seen[target]++
			seen[fmt.Sprint(len(kills), " in a row")]++
			for _, k := range kills {
				seen[k.signal.String()]++
				require.LessOrEqual(t, k.down, downtime)
				require.LessOrEqual(t, k.after, latest)
			}
		}
		seen[fmt.Sprint(len(s.kills), " targets")]++
		seen[fmt.Sprint("reader ", s.reader >= 0)]++
		seen[fmt.Sprint("closing ", s.closing >= 0)]++
	}
	for _, what := range []string{
		"a", "b", "c", "d", "1 in a row", "2 in a row", "3 in a row", "killed", "terminated", "1 targets", "2 targets", "3 targets", "4 targets",
		"reader true", "reader false", "closing true", "closing false",
	} {
		require.Positive(t, seen[what], what)
	}
	require.NotEqual(t, draw(1, 0, targets, 3), draw(2, 0, targets, 3))
}
