// SPDX-License-Identifier: Apache-2.0

// Package clock is the time that daemons are given instead of taking it: real in production, hand-cranked in tests.
package clock

import "time"

// Clock tells the time and waits for it.
type Clock interface {
	// Now is the present time.
	Now() time.Time
	// NewTimer fires once after d; at once when d <= 0.
	NewTimer(d time.Duration) Timer
}

// Timer is one wait. Stop releases it; a stopped timer never fires.
type Timer interface {
	C() <-chan time.Time
	Stop()
}

// Real is the machine's clock.
var Real Clock = real{}

type real struct{}

func (real) Now() time.Time                 { return time.Now() }
func (real) NewTimer(d time.Duration) Timer { return realTimer{time.NewTimer(d)} }

type realTimer struct{ t *time.Timer }

func (t realTimer) C() <-chan time.Time { return t.t.C }
func (t realTimer) Stop()               { t.t.Stop() }
