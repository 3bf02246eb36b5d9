// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/athnet/ath/offchain/worker/runtime"
)

// reconnect is the pause before events are asked for again: an engine that restarts needs seconds.
const reconnect = time.Second

// Watch implements runtime.Observer.
func (r *Runtime) Watch(ctx context.Context) <-chan struct{} {
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default: // one is waiting already
		}
	}
	filters := r.mine("").Add("type", "container")
	for _, action := range []string{"start", "die", "oom", "destroy"} {
		filters.Add("event", action)
	}
	go func() {
		for ctx.Err() == nil {
			stream := r.engine.Events(ctx, client.EventsListOptions{Filters: filters})
			for open := true; open; {
				select {
				case <-stream.Messages:
					notify()
				case err := <-stream.Err:
					r.log.Debug("events of the engine ended", "err", err)
					open = false
				}
			}
			notify() // whatever happened meanwhile
			select {
			case <-ctx.Done():
			case <-time.After(reconnect):
			}
		}
	}()
	return changed
}

// Logs implements runtime.Observer.
func (r *Runtime) Logs(ctx context.Context, key runtime.Key, o runtime.LogOptions) (io.ReadCloser, error) {
	options := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Follow: o.Follow}
	if o.Tail > 0 {
		options.Tail = strconv.Itoa(o.Tail)
	}
	if !o.Since.IsZero() {
		options.Since = o.Since.UTC().Format(time.RFC3339Nano)
	}
	stream, err := r.engine.ContainerLogs(ctx, r.name(key), options)
	if err != nil {
		return nil, r.fail("logs", err)
	}
	text, w := io.Pipe()
	go func() {
		_, err := stdcopy.StdCopy(w, w, stream)
		w.CloseWithError(err) // nil is the end of the text
	}()
	return &logReader{PipeReader: text, stream: stream}, nil
}

type logReader struct {
	*io.PipeReader
	stream io.Closer
}

// Close ends both halves, so that the copying goroutine ends too.
func (l *logReader) Close() error {
	err := l.stream.Close()
	if perr := l.PipeReader.Close(); err == nil {
		err = perr
	}
	return err
}

// Stats implements runtime.Observer.
func (r *Runtime) Stats(ctx context.Context, key runtime.Key) (runtime.Stats, error) {
	answer, err := r.engine.ContainerStats(ctx, r.name(key), client.ContainerStatsOptions{})
	if err != nil {
		return runtime.Stats{}, r.fail("stats", err)
	}
	defer answer.Body.Close()
	var s container.StatsResponse
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		return runtime.Stats{}, r.fail("stats", err)
	}
	if s.Read.IsZero() { // what the engine says of an instance that does not run
		return runtime.Stats{}, fmt.Errorf("docker stats: %w: %s does not run", runtime.ErrNotFound, key.Service)
	}
	out := runtime.Stats{CPU: time.Duration(s.CPUStats.CPUUsage.TotalUsage), MemoryMiB: memory(s.MemoryStats) >> 20}
	for _, n := range s.Networks {
		out.RxBytes += n.RxBytes
		out.TxBytes += n.TxBytes
	}
	return out, nil
}

// memory is the peak where the kernel keeps it (cgroup v1), else what is used now without what it would give back at once.
func memory(m container.MemoryStats) uint64 {
	if m.MaxUsage > 0 {
		return m.MaxUsage
	}
	if cache := m.Stats["inactive_file"]; cache < m.Usage {
		return m.Usage - cache
	}
	return m.Usage
}
