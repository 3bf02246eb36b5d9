// SPDX-License-Identifier: Apache-2.0

// Package daemon is what every daemon needs around its work: a run group, configuration, a log, metrics and health.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Actor is one part of a daemon. Run returns when the context ends or when it cannot go on.
type Actor struct {
	Name string
	Run  func(context.Context) error
}

// Run runs all actors until one returns or the context ends, stops the others, and waits for them. A clean end is nil;
// otherwise the error is that of the actor which ended first.
func Run(ctx context.Context, log *slog.Logger, actors ...Actor) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		wg    sync.WaitGroup
		once  sync.Once
		first error
	)
	for _, a := range actors {
		wg.Go(func() {
			err := a.Run(ctx)
			once.Do(func() {
				if err == nil && ctx.Err() == nil {
					err = errors.New("ended without reason")
				}
				if err != nil && !errors.Is(err, context.Canceled) {
					first = fmt.Errorf("%s: %w", a.Name, err)
				}
			})
			log.Debug("actor ended", "actor", a.Name, "err", err)
			cancel()
		})
	}
	wg.Wait()
	return first
}

// Ended is a daemon's end as an operator should see it: what failed because the daemon was asked to stop is no failure.
func Ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || status.Code(err) == codes.Canceled) {
		return nil
	}
	return err
}

// Signals returns a context that ends with the first SIGINT or SIGTERM; the second ends the process at once.
func Signals(parent context.Context, log *slog.Logger) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		defer signal.Stop(ch)
		select {
		case <-ctx.Done():
			return
		case sig := <-ch:
			log.Info("stopping; once more to stop at once", "signal", sig.String())
			cancel()
		}
		// The process may need a while to stop cleanly; an impatient operator may cut it short.
		select {
		case <-parent.Done():
		case sig := <-ch:
			log.Warn("stopped at once", "signal", sig.String())
			os.Exit(130)
		}
	}()
	return ctx, cancel
}
