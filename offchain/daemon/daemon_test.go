// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc/status"

	"github.com/athnet/ath/offchain/daemon/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

func TestRunStopsAllWhenOneEnds(t *testing.T) {
	boom := errors.New("boom")
	waits := Actor{Name: "waits", Run: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
	err := Run(context.Background(), quiet, waits, Actor{Name: "fails", Run: func(context.Context) error { return boom }})
	require.ErrorIs(t, err, boom)
	require.ErrorContains(t, err, "fails:")

	err = Run(context.Background(), quiet, waits, Actor{Name: "gives up", Run: func(context.Context) error { return nil }})
	require.ErrorContains(t, err, "gives up: ended without reason")

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.NoError(t, Run(ctx, quiet, waits), "asked to stop is a clean end")
}

func TestServeHTTPEndsStreams(t *testing.T) {
	l, err := Listen(context.Background(), "127.0.0.1:0")
	require.NoError(t, err)
	_, err = Listen(context.Background(), l.Addr().String())
	require.ErrorContains(t, err, "--listen")
	ctx, cancel := context.WithCancel(context.Background())
	streaming := make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		close(streaming)
		<-r.Context().Done()
	})
	done := make(chan error, 1)
	go func() { done <- ServeHTTP(l, h).Run(ctx) }()
	resp, err := http.Get("http://" + l.Addr().String())
	require.NoError(t, err)
	defer resp.Body.Close()
	<-streaming
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

type testConfig struct {
	Name     string        `name:"name" default:"d"`
	Wait     time.Duration `name:"wait" default:"1s"`
	Many     []string      `name:"many"`
	On       bool          `name:"on"`
	N        uint32        `name:"n" default:"7"`
	Embedded struct {
		Level string `name:"log-level" default:"info"`
	}
	internal int
}

func TestConfigPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte("name: file\nwait: 2s\nmany: [a, b]\nn: 8\n"), 0o600))
	env := map[string]string{"X_NAME": "env", "X_WAIT": "3s"}
	var c testConfig
	flags := pflag.NewFlagSet("t", pflag.ContinueOnError)
	config, err := Bind(flags, "X", &c)
	require.NoError(t, err)
	require.NoError(t, flags.Parse([]string{"--name=flag", "--on"}))
	require.NoError(t, config.Resolve(flags, file, true, func(k string) (string, bool) { v, ok := env[k]; return v, ok }))
	require.Equal(t, "flag", c.Name)
	require.Equal(t, 3*time.Second, c.Wait)
	require.Equal(t, []string{"a", "b"}, c.Many)
	require.EqualValues(t, 8, c.N)
	require.True(t, c.On)
	require.Equal(t, "info", c.Embedded.Level)
	require.Zero(t, c.internal)
}

func TestConfigErrorsNameTheirPlace(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	for name, tc := range map[string]struct{ file, says string }{
		"unknown": {"name: a\nnam: b\n", `:2: unknown setting "nam"`},
		"type":    {"\nn: many\n", `:2: n: "many" is not a uint32`},
		"range":   {"n: 99999999999\n", ":1: n:"},
		"time":    {"wait: 5\n", `"5" is not a duration`},
		"nested":  {"name:\n  a: b\n", "want a value or a list"},
		"list":    {"- a\n", "name: value"},
		"yaml":    {"a: [\n", "yaml"},
	} {
		t.Run("error - "+name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "c.yaml")
			require.NoError(t, os.WriteFile(file, []byte(tc.file), 0o600))
			flags := pflag.NewFlagSet("t", pflag.ContinueOnError)
			config, err := Bind(flags, "X", &testConfig{})
			require.NoError(t, err)
			require.ErrorContains(t, config.Resolve(flags, file, true, none), tc.says)
		})
	}
	flags := pflag.NewFlagSet("t", pflag.ContinueOnError)
	config, err := Bind(flags, "X", &testConfig{})
	require.NoError(t, err)
	require.NoError(t, config.Resolve(flags, "/nonexistent", false, none))
	require.Error(t, config.Resolve(flags, "/nonexistent", true, none))
	require.ErrorContains(t, config.Resolve(flags, "", false, func(k string) (string, bool) { return "x", k == "X_N" }), "X_N in the environment")
}

func TestHealth(t *testing.T) {
	c := clock.NewManual(time.Unix(0, 0))
	h := NewHealth("d", c,
		Warnable{Code: "slow", Title: "slow", Severity: SeverityMedium, Text: "t", Remedy: "r"},
		Warnable{Code: "down", Title: "down", Severity: SeverityHigh, After: time.Minute, Text: "t", Remedy: "restart it"})
	h.Fact("height", "5")
	h.Check("slow", errors.New("3 s"))
	h.Set("down", "x")
	require.True(t, h.Report().Healthy, "down is not shown yet")
	require.Len(t, h.Report().Warnings, 1)
	c.Advance(time.Minute)
	h.Set("down", "y")
	server := httptest.NewServer(h)
	defer server.Close()
	r, err := FetchHealth(context.Background(), strings.TrimPrefix(server.URL, "http://"), "--listen")
	require.NoError(t, err)
	require.False(t, r.Healthy)
	require.Equal(t, "down", r.Warnings[0].Code)
	require.Equal(t, "y", r.Warnings[0].Detail)
	require.True(t, r.Warnings[0].Since.Equal(time.Unix(0, 0)))
	var out bytes.Buffer
	r.Print(&out)
	require.Contains(t, out.String(), "NOT healthy")
	require.Contains(t, out.String(), "remedy: restart it")
	h.Clear("down")
	h.Check("slow", nil)
	require.Empty(t, h.Report().Warnings)
	require.Panics(t, func() { h.Set("unknown", "") })

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l.Close()
	_, err = FetchHealth(context.Background(), l.Addr().String(), "--local")
	require.ErrorContains(t, err, "no daemon answers")
	require.ErrorContains(t, err, "give its address with --local: ")
}

// Who was asked to stop has not failed; what went wrong before, or for another reason, is said.
func TestEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	broken := errors.New("broken")
	waiting := fmt.Errorf("no node answers: %w", context.Canceled)
	require.ErrorIs(t, Ended(ctx, waiting), context.Canceled)
	cancel()
	require.NoError(t, Ended(ctx, nil))
	require.NoError(t, Ended(ctx, waiting))
	require.NoError(t, Ended(ctx, status.FromContextError(ctx.Err()).Err()))
	require.ErrorIs(t, Ended(ctx, broken), broken)
}

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLogger(&out, LogConfig{Level: "warn", Format: "json"})
	require.NoError(t, err)
	log.Info("hidden")
	log.Warn("shown", "height", 5)
	require.Contains(t, out.String(), `"msg":"shown","height":5`)
	require.NotContains(t, out.String(), "hidden")
	for _, bad := range []LogConfig{{Level: "loud"}, {Level: "info", Format: "xml"}} {
		_, err := NewLogger(&out, bad)
		require.ErrorContains(t, err, "want")
	}
}
