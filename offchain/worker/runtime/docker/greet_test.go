// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/worker/runtime"
)

// standIn answers at an engine's socket what New asks; told says how often it was asked who it is.
type standIn struct {
	t    *testing.T
	path string
	told atomic.Int32
	// info is called before the n-th such answer, and makes it.
	info func(n int32, server *http.Server) string
}

func (e *standIn) start() *http.Server {
	l, err := net.Listen("unix", e.path)
	require.NoError(e.t, err)
	server := &http.Server{ReadHeaderTimeout: time.Second}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Api-Version", "1.44")
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(req.URL.Path, "/containers/") {
			<-req.Context().Done() // takes the question, and no more
			return
		}
		if strings.HasSuffix(req.URL.Path, "/info") {
			_, _ = w.Write([]byte(e.info(e.told.Add(1), server)))
		}
	})
	go func() { _ = server.Serve(l) }() // ends with http.ErrServerClosed
	e.t.Cleanup(func() { _ = server.Close() })
	return server
}

func (e *standIn) config(wait time.Duration) Config {
	return Config{Host: "unix://" + e.path, Egress: ModeOff, Disk: ModeGuard, Wait: wait, Log: slog.New(slog.DiscardHandler)}
}

// TestNewWaits: a worker and its engine start in any order.
func TestNewWaits(t *testing.T) {
	e := &standIn{t: t, path: filepath.Join(t.TempDir(), "docker.sock"), info: func(int32, *http.Server) string { return `{"Driver":"vfs"}` }}
	_, err := New(t.Context(), e.config(0))
	require.ErrorIs(t, err, runtime.ErrUnavailable)
	late := time.AfterFunc(300*time.Millisecond, func() { e.start() })
	defer late.Stop()
	r, err := New(t.Context(), e.config(time.Minute))
	require.NoError(t, err)
	require.NoError(t, r.Close())
}

// TestNewAsksAgain: an engine that goes away while it is asked about disks is no engine without disks, for then what leases had on theirs
// would never be found again.
func TestNewAsksAgain(t *testing.T) {
	for name, end := range map[string]func(e *standIn, server *http.Server){
		"before it answers": func(_ *standIn, server *http.Server) { _ = server.Close() },
		"after it answered": func(e *standIn, _ *http.Server) { _ = os.Remove(e.path) },
	} {
		t.Run(name, func(t *testing.T) {
			e := &standIn{t: t, path: filepath.Join(t.TempDir(), "docker.sock")}
			root := t.TempDir()
			e.info = func(n int32, server *http.Server) string {
				if n == 1 {
					end(e, server)
					time.AfterFunc(300*time.Millisecond, func() { e.start() })
				}
				return `{"Driver":"overlay2","DockerRootDir":"` + root + `"}`
			}
			e.start()
			r, err := New(t.Context(), e.config(time.Minute))
			require.NoError(t, err)
			require.Equal(t, int32(2), e.told.Load())
			require.Error(t, r.disks.why, "its directory has no layers")
			require.NotErrorIs(t, r.disks.why, runtime.ErrUnavailable)
			require.NoError(t, r.Close())
		})
	}
}

// TestAnEngineThatHangsIsUnavailable: who asks it is not held up for ever.
func TestAnEngineThatHangsIsUnavailable(t *testing.T) {
	e := &standIn{t: t, path: filepath.Join(t.TempDir(), "docker.sock"), info: func(int32, *http.Server) string { return `{"Driver":"vfs"}` }}
	e.start()
	r, err := New(t.Context(), e.config(0))
	require.NoError(t, err)
	r.patience = 50 * time.Millisecond
	_, err = r.List(t.Context())
	require.ErrorIs(t, err, runtime.ErrUnavailable)
	_, err = r.Stats(t.Context(), runtime.Key{Lease: "t/1", Service: "web"})
	require.ErrorIs(t, err, runtime.ErrUnavailable)
	require.NoError(t, r.Close())
}
