// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
func (r *Runtime) Logs(ctx context.Context, key runtime.Key, o runtime.LogOptions, take func(runtime.Output) error) error {
	options := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Follow: o.Follow, Timestamps: true}
	if !o.Since.IsZero() {
		options.Since = o.Since.UTC().Format(time.RFC3339Nano)
	}
	stream, err := r.engine.ContainerLogs(ctx, r.name(key), options)
	if err != nil {
		return r.fail("logs", err)
	}
	defer stream.Close()
	in := bufio.NewReader(stream)
	for {
		out, err := readFrame(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return r.fail("logs", err)
		}
		if err := take(out); err != nil {
			return err
		}
	}
}

// maxFrame is far above the 16 KiB at which the engine cuts a line.
const maxFrame = 1 << 20

// readFrame reads one entry of the engine's log: stream (1 byte), nothing (3), length (4), time, space, text. One that has no newline at
// its end goes on. io.EOF is an end between two entries.
func readFrame(in io.Reader) (runtime.Output, error) {
	var head [8]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return runtime.Output{}, err
	}
	size := binary.BigEndian.Uint32(head[4:])
	if size > maxFrame {
		return runtime.Output{}, fmt.Errorf("an entry of %d bytes; want at most %d", size, maxFrame)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(in, body); err != nil {
		return runtime.Output{}, io.ErrUnexpectedEOF
	}
	if stdcopy.StdType(head[0]) == stdcopy.Systemerr {
		return runtime.Output{}, fmt.Errorf("the engine says: %s", body)
	}
	stamp, text, ok := bytes.Cut(body, []byte(" "))
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	if !ok || err != nil {
		return runtime.Output{}, fmt.Errorf("an entry without a time: %.40q", body)
	}
	line, whole := bytes.CutSuffix(text, []byte("\n"))
	return runtime.Output{Time: at.UTC(), Stderr: stdcopy.StdType(head[0]) == stdcopy.Stderr, Partial: !whole, Text: line}, nil
}

// Stats implements runtime.Observer.
func (r *Runtime) Stats(ctx context.Context, key runtime.Key) (runtime.Stats, error) {
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
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
	out := runtime.Stats{CPU: time.Duration(s.CPUStats.CPUUsage.TotalUsage), MemoryMiB: memory(s.MemoryStats) >> 20, HeldMiB: held(s.MemoryStats) >> 20}
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

// held is what the kernel can't take back: what programs have taken for themselves, and files in memory.
func held(m container.MemoryStats) uint64 {
	anonymous, known := m.Stats["anon"] // cgroup v2
	if !known {
		anonymous = m.Stats["total_rss"]
	}
	files, known := m.Stats["shmem"]
	if !known {
		files = m.Stats["total_shmem"]
	}
	return anonymous + files
}
