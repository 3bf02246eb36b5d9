// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/worker/api"
	leases "github.com/athnet/ath/x/leases/types"
)

// logAttempts is how often in a row a broken stream is asked for again without a new line: about five minutes.
const logAttempts = 40

func leaseLogsCommand() *cobra.Command {
	var o api.LogOptions
	var since string
	cmd := withTenant(&cobra.Command{
		Use:   "logs LEASE [SERVICE]",
		Short: "Print the output of a lease's workload",
		Long: "Print the output of a lease's workload, stdout and stderr in their order. The worker keeps it on its disk, also for a time after\n" +
			"the lease has ended. A connection that breaks is made again, without a gap and without a line twice. JSON Lines have a cursor each:\n" +
			"--cursor goes on behind one.",
		Example: "  athd lease logs 1\n  athd lease logs 1 web --follow --since 10m --tail 50\n  athd lease logs 1 --output json --cursor 0123456789abcdef.42",
		Args:    cobra.RangeArgs(1, 2),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		id, err := t.leaseID(args[0])
		if err != nil {
			return err
		}
		if len(args) > 1 {
			if o.Service != "" && o.Service != args[1] {
				return errors.New("SERVICE and --service differ; say one")
			}
			o.Service = args[1]
		}
		if o.Since, err = sinceTime(since, time.Now()); err != nil {
			return err
		}
		return followLogs(cmd.Context(), o, t.logSource(id), printLog(cmd.OutOrStdout(), asJSON), cmd.ErrOrStderr(), time.Sleep)
	})
	f := cmd.Flags()
	f.BoolVarP(&o.Follow, "follow", "f", false, "go on until the service ends")
	f.StringVar(&o.Service, "service", "", "name of the service; needed where there are several")
	f.IntVar(&o.Tail, "tail", 0, "only this many lines from the end; all where 0")
	f.StringVar(&since, "since", "", "only lines from this time on, or of this long: 2026-01-02T15:04:05Z, 10m")
	f.StringVar(&o.Cursor, "cursor", "", "only lines behind the one with this cursor")
	return cmd
}

// sinceTime reads a time, or how long ago it was.
func sinceTime(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, fmt.Errorf("--since %q: want a time such as 2026-01-02T15:04:05Z, or how long ago, such as 10m", s)
	}
	return t, nil
}

// logSource reads lines from whichever worker has the lease now.
type logSource func(ctx context.Context, o api.LogOptions, take func(api.LogLine) error) error

func (t *tenant) logSource(id leases.LeaseID) logSource {
	return func(ctx context.Context, o api.LogOptions, take func(api.LogLine) error) error {
		container, err := t.containerOf(ctx, id)
		if err != nil {
			return err
		}
		client, err := t.Worker(container, access.ScopeLogs) // a new token each time: one holds for an hour
		if err != nil {
			return err
		}
		defer client.Close()
		return client.LogLines(ctx, id.String(), o, take)
	}
}

func followLogs(ctx context.Context, o api.LogOptions, source logSource, take func(api.LogLine) error, talk io.Writer, sleep func(time.Duration)) error {
	return follow(ctx, o, source, func(l api.LogLine) string { return l.Cursor }, take, talk, sleep)
}

// follow reads a stream to its end; after a break it goes on behind the last entry that it had.
func follow[T any](ctx context.Context, o api.LogOptions, source func(context.Context, api.LogOptions, func(T) error) error, cursor func(T) string, take func(T) error, talk io.Writer, sleep func(time.Duration)) error {
	var failed error // of take: nothing that another try would mend
	for attempt := 0; ; attempt++ {
		err := source(ctx, o, func(v T) error {
			if failed = take(v); failed != nil {
				return failed
			}
			if at := cursor(v); at != "" {
				o.Cursor, o.Tail, attempt = at, 0, 0
			}
			return nil
		})
		var answer *api.Error
		switch {
		case err == nil, ctx.Err() != nil: // the source has ended, or who reads has had enough
			return nil //nolint:nilerr // being stopped is no failure
		case failed != nil:
			return failed
		case errors.Is(err, access.ErrWrongKey), attempt >= logAttempts:
			return err
		case errors.As(err, &answer) && answer.Code < 500 && answer.Code != http.StatusTooManyRequests && answer.Code != http.StatusUnauthorized:
			return err
		case attempt == 0 && o.Cursor == "" && !errors.Is(err, api.ErrBroken): // it was never there
			return err
		}
		fmt.Fprintf(talk, "athd: %v; going on where it broke\n", err)
		sleep(min(time.Second<<min(attempt, 4), 10*time.Second))
	}
}

func printLog(out io.Writer, asJSON bool) func(api.LogLine) error {
	if asJSON {
		enc := json.NewEncoder(out)
		return func(l api.LogLine) error { return enc.Encode(l) }
	}
	return func(l api.LogLine) error {
		text := []byte(l.Text)
		if l.Raw != nil {
			text = l.Raw
		}
		if l.Stream == "note" {
			text = []byte("--- " + l.Text + " ---")
		}
		if !l.Partial {
			text = append(text, '\n')
		}
		_, err := out.Write(text)
		return err
	}
}
