// SPDX-License-Identifier: Apache-2.0

package pricefeed

import (
	"context"
	"sync"
	"time"

	"cosmossdk.io/log/v2"
)

// Feed asks a source in the background and remembers its last answer, so that a vote never waits for it.
type Feed struct {
	config Config
	log    log.Logger
	now    func() time.Time

	cancel context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	price uint64
	at    time.Time
}

// Start begins to ask a source; Close ends it.
func Start(config Config, logger log.Logger) *Feed {
	return start(config, logger, time.Now)
}

func start(config Config, logger log.Logger, now func() time.Time) *Feed {
	ctx, cancel := context.WithCancel(context.Background())
	f := &Feed{config: config, log: logger.With("module", "price"), now: now, cancel: cancel, done: make(chan struct{})}
	go f.run(ctx)
	return f
}

// Price is the last answer in 10^-9 USD per ATH; false where there is none, or it is too old.
func (f *Feed) Price() (uint64, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.price, f.price != 0 && f.now().Sub(f.at) <= f.config.MaxAge
}

// Close stops asking and waits for the last question.
func (f *Feed) Close() error {
	f.cancel()
	<-f.done
	return nil
}

func (f *Feed) run(ctx context.Context) {
	defer close(f.done)
	ticker := time.NewTicker(f.config.Interval)
	defer ticker.Stop()
	failing := false
	for {
		price, err := f.config.Ask(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing: // once, not every ten seconds for a whole night
			f.log.Error("no price; this node votes without one until its source answers", "err", err)
		case err == nil:
			if failing {
				f.log.Info("the price source answers again", "price", price)
			}
			f.keep(price)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (f *Feed) keep(price uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.price, f.at = price, f.now()
}
