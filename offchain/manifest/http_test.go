// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/manifest"
)

// TestHTTPOptions: what is left out, or 0, or empty, is SDL's default; a port without options has none in its canonical form.
func TestHTTPOptions(t *testing.T) {
	read := func(options string) manifest.Expose {
		file, err := manifest.Parse("app.yaml", []byte(sdl("port: 80", "port: 3000\n        as: 80\n"+options)))
		require.NoError(t, err)
		rules := file.Manifest.Services[0].Expose
		require.NoError(t, manifest.CheckExpose(rules))
		require.True(t, rules[0].IsHTTP())
		return rules[0]
	}
	fallback := manifest.HTTP{
		MaxBody: 1048576, MaxHeader: 16384, ReadTimeout: 60000, SendTimeout: 60000, NextTries: 3, NextCases: []string{"error", "timeout"},
	}
	require.Nil(t, read("").HTTP)
	require.Equal(t, fallback, read("").Options())
	require.Equal(t, fallback, *read("        http_options: {max_body_size: 0, next_tries: 0, next_cases: []}").HTTP)
	require.Equal(t, manifest.HTTP{MaxBody: 104857600, MaxHeader: 1, ReadTimeout: 2, SendTimeout: 3, NextTries: 4, NextTimeout: 5, NextCases: []string{"503", "off"}[:1]},
		*read("        http_options: {max_body_size: 104857600, proxy_buffer_size: 1, read_timeout: 2, send_timeout: 3, next_tries: 4, next_timeout: 5, next_cases: [\"503\", \"503\"]}").HTTP)
}

// TestHTTPTimeouts: milliseconds, or a whole number with one unit.
func TestHTTPTimeouts(t *testing.T) {
	for text, want := range map[string]uint32{
		"0": 60000, "60001": 60001, "4294967295": 4294967295, `"1500"`: 1500, "250ms": 250, "90s": 90_000, "5m": 300_000, "1h": 3_600_000, "1193h": 4_294_800_000,
		"0s": 60000, "-1": 0, "4294967296": 0, `"4294967296"`: 0, "1194h": 0, "1.5s": 0, "1h30m": 0, "1 s": 0, "1d": 0, "s": 0, `""`: 0, "99999999999999999999s": 0, "[1]": 0,
	} {
		file, err := manifest.Parse("app.yaml", []byte(sdl("port: 80", "port: 80\n        http_options: {read_timeout: "+text+", send_timeout: "+text+"}")))
		if want == 0 {
			require.ErrorIs(t, err, manifest.ErrInvalid, text)
			require.ErrorContains(t, err, "app.yaml:7:38: services.web.expose[0].http_options.read_timeout: expected ", text)
			continue
		}
		require.NoError(t, err, text)
		options := file.Manifest.Services[0].Expose[0].Options()
		require.Equal(t, want, options.ReadTimeout, text)
		require.Equal(t, want, options.SendTimeout, text)
		require.NoError(t, manifest.CheckExpose(file.Manifest.Services[0].Expose), text)
	}
}

// names are different host names.
func names(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("n%d.example", i)
	}
	return strings.Join(out, ", ")
}

// TestRulesOfOnePortAreOne: host names add up, the first options count.
func TestRulesOfOnePortAreOne(t *testing.T) {
	file, err := manifest.Parse("app.yaml", []byte(sdl("      - port: 80\n", `      - {port: 3000, as: 80, accept: [c.example], to: [{global: true}]}
      - {port: 80, accept: [a.example], http_options: {next_tries: 2}, to: [{global: true}]}
      - port: 80
        accept: [b.example]
`)))
	require.NoError(t, err)
	rules := file.Manifest.Services[0].Expose
	require.Len(t, rules, 2)
	require.Equal(t, []string{"a.example", "b.example"}, rules[1].Hosts)
	require.Equal(t, uint32(2), rules[1].HTTP.NextTries)
	require.Contains(t, file.Warnings[0].Text, "same port")
	_, err = manifest.Parse("app.yaml", []byte(sdl("      - port: 80\n", "      - {port: 80, accept: ["+names(32)+"], to: [{global: true}]}\n      - port: 80\n        accept: [b.example]\n")))
	require.ErrorIs(t, err, manifest.ErrNotOffered)
}

// TestCheckExpose: what a tenant sends a worker need not have come from a file.
func TestCheckExpose(t *testing.T) {
	http := manifest.Expose{Port: 3000, As: 80, Proto: "tcp", Global: true, Hosts: []string{"a.example"}}
	options := func(change func(*manifest.HTTP)) manifest.Expose {
		x, h := http, manifest.DefaultHTTP()
		change(&h)
		x.HTTP = &h
		return x
	}
	require.NoError(t, manifest.CheckExpose([]manifest.Expose{options(func(*manifest.HTTP) {}), http, {Port: 80, As: 81, Proto: "tcp", Global: true}}))
	plain := options(func(*manifest.HTTP) {})
	plain.As = 81
	for name, rules := range map[string][]manifest.Expose{
		"another port":     {plain},
		"many names":       {{Port: 80, As: 80, Proto: "tcp", Global: true, Hosts: make([]string, manifest.MaxHosts+1)}},
		"no name":          {{Port: 80, As: 80, Proto: "tcp", Global: true, Hosts: []string{"a b"}}},
		"body 0":           {options(func(h *manifest.HTTP) { h.MaxBody = 0 })},
		"body too long":    {options(func(h *manifest.HTTP) { h.MaxBody = 104857601 })},
		"header too long":  {options(func(h *manifest.HTTP) { h.MaxHeader = 1048577 })},
		"read timeout":     {options(func(h *manifest.HTTP) { h.ReadTimeout = 0 })},
		"send timeout":     {options(func(h *manifest.HTTP) { h.SendTimeout = 0 })},
		"no tries":         {options(func(h *manifest.HTTP) { h.NextTries = 0 })},
		"no cases":         {options(func(h *manifest.HTTP) { h.NextCases = nil })},
		"another case":     {options(func(h *manifest.HTTP) { h.NextCases = []string{"600"} })},
		"off is not alone": {options(func(h *manifest.HTTP) { h.NextCases = []string{"off", "error"} })},
	} {
		require.Error(t, manifest.CheckExpose(rules), name)
	}
}
