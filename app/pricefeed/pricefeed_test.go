// SPDX-License-Identifier: Apache-2.0

package pricefeed

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/log/v2"

	athtypes "github.com/athnet/ath/x/ath/types"
)

func TestParsePrice(t *testing.T) {
	for text, want := range map[string]uint64{
		"0.03": 30_000_000, " 0.0312\n": 31_200_000, "3.12e-2": 31_200_000, "1": 1_000_000_000, "0.0000000019": 1, "1000000": athtypes.MaxPrice,
	} {
		price, err := ParsePrice(text)
		require.NoError(t, err, text)
		require.Equal(t, want, price, text)
	}
	for _, text := range []string{
		"", "0", "-1", "0.0000000009", "1000001", "abc", "1/3", "0x10", "1e999999999", "1e-999999999", "NaN", "Inf", "1_0", "0.03 USD", strings.Repeat("1", 70),
	} {
		_, err := ParsePrice(text)
		require.Error(t, err, text)
	}
}

func FuzzParsePrice(f *testing.F) {
	for _, seed := range []string{"0.03", "1e-9", "1e64", "-0", "+.5", "0b1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		price, err := ParsePrice(text)
		if err == nil && (price == 0 || price > athtypes.MaxPrice) {
			t.Fatalf("%q is %d", text, price)
		}
	})
}

func TestPick(t *testing.T) {
	document := []byte(`{"data": [{"usd": 0.0312}, {"usd": "0.04"}], "price": 0.1234567890123456789}`)
	for path, want := range map[string]string{"data.0.usd": "0.0312", "data.1.usd": "0.04", "price": "0.1234567890123456789"} {
		text, err := pick(document, path)
		require.NoError(t, err, path)
		require.Equal(t, want, text)
	}
	for _, path := range []string{"", "data", "data.2.usd", "data.x", "data.-1", "price.usd", "nothing"} {
		_, err := pick(document, path)
		require.Error(t, err, path)
	}
	_, err := pick([]byte("<html>"), "price")
	require.ErrorContains(t, err, "JSON")
}

func FuzzPick(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"2"}]}`), "a.1.b")
	f.Add([]byte(`[[[[`), "0.0.0")
	f.Fuzz(func(_ *testing.T, document []byte, path string) {
		_, _ = pick(document, path) // must not panic
	})
}

func config(source, from string) Config {
	c := DefaultConfig()
	c.Source, c.From = source, from
	return c
}

func TestSources(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "price")
	require.NoError(t, os.WriteFile(file, []byte("0.03\n"), 0o600))
	big := filepath.Join(dir, "big")
	require.NoError(t, os.WriteFile(big, make([]byte, maxAnswer+1), 0o600))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/price":
			_, _ = w.Write([]byte(`{"ath": {"usd": 0.03}}`))
		case "/big":
			_, _ = w.Write(make([]byte, maxAnswer+1))
		case "/slow":
			<-r.Context().Done()
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()

	for _, c := range []Config{config(KindFile, file), config(KindCommand, "cat "+file)} {
		price, err := c.Ask(t.Context())
		require.NoError(t, err)
		require.Equal(t, uint64(30_000_000), price)
	}
	web := config(KindHTTP, server.URL+"/price")
	web.JSONPath = "ath.usd"
	price, err := web.Ask(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(30_000_000), price)

	for name, c := range map[string]Config{
		"no such file":    config(KindFile, filepath.Join(dir, "none")),
		"more than":       config(KindFile, big),
		"exit status 3":   config(KindCommand, "sh -c exit${IFS}3"),
		"executable file": config(KindCommand, "no-such-program-anywhere"),
		"404":             config(KindHTTP, server.URL+"/nothing"),
	} {
		_, err := c.Ask(t.Context())
		require.Error(t, err, name)
	}
	for _, c := range []Config{config(KindCommand, "sleep 60"), config(KindHTTP, server.URL+"/slow")} {
		c.Timeout = 100 * time.Millisecond
		_, err := c.Ask(t.Context())
		require.ErrorContains(t, err, "deadline exceeded")
	}
	_, err = config(KindHTTP, server.URL+"/big").Ask(t.Context())
	require.ErrorContains(t, err, "more than")
	_, err = config(KindCommand, "head -c 70000 /dev/zero").Ask(t.Context())
	require.ErrorContains(t, err, "more than")
}

func TestValidate(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate(), "no source")
	require.NoError(t, config(KindHTTP, "https://prices.example.org/ath").Validate())
	slow := config(KindFile, "price")
	slow.Timeout = 0
	for name, c := range map[string]Config{
		"price.source": config("oracle", "x"), "price.from": config(KindFile, " "), "a URL": config(KindHTTP, "ftp://x"), "price.timeout": slow,
	} {
		require.ErrorContains(t, c.Validate(), name)
	}
}

// Nobody writes into the pipe, and the node must end all the same.
func TestFeedDoesNotWaitForAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "price")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	_, err := config(KindFile, pipe).Ask(t.Context())
	require.ErrorContains(t, err, "is no plain file")
	feed := start(config(KindFile, pipe), log.NewNopLogger(), time.Now)
	require.NoError(t, feed.Close())
}

// A vote never waits for the source, and does not name a price that is older than it may be.
func TestFeedForgetsOldPrices(t *testing.T) {
	file := filepath.Join(t.TempDir(), "price")
	require.NoError(t, os.WriteFile(file, []byte("0.03"), 0o600))
	c := config(KindFile, file)
	c.Interval = 100 * time.Millisecond
	var late atomic.Int64
	began := time.Now()
	feed := start(c, log.NewNopLogger(), func() time.Time { return began.Add(time.Duration(late.Load())) })
	require.Eventually(t, func() bool { price, ok := feed.Price(); return ok && price == 30_000_000 }, 5*time.Second, 10*time.Millisecond)
	require.NoError(t, os.Remove(file))
	late.Store(int64(c.MaxAge) + 1)
	require.Eventually(t, func() bool { _, ok := feed.Price(); return !ok }, 5*time.Second, 10*time.Millisecond)
	require.NoError(t, feed.Close())
}
