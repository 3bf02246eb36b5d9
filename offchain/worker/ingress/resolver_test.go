// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

func TestResolver(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	long := strings.Repeat("x", 200)
	answers := map[string]string{
		"there.example.":    `there.example. 1 IN TXT "one"` + "\n" + `there.example. 1 IN TXT "two " "parts"`,
		"long.example.":     `long.example. 1 IN TXT "` + long + `" "` + long + `"`,
		"alias.example.":    "alias.example. 1 IN CNAME there.example.\n" + `there.example. 1 IN TXT "one"`,
		"no-texts.example.": "",
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, req *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(req)
		m.RecursionAvailable = true
		name := req.Question[0].Name
		text, ok := answers[name]
		switch {
		case name == "silent.example.":
			return
		case name == "broken.example.":
			m.Rcode = dns.RcodeServerFailure
		case !ok:
			m.Rcode = dns.RcodeNameError
		}
		for line := range strings.Lines(text) {
			rr, err := dns.NewRR(line)
			if err == nil {
				m.Answer = append(m.Answer, rr)
			}
		}
		_ = w.WriteMsg(m)
	})}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown(); <-ended })
	ask := newResolver(conn.LocalAddr().String(), time.Second)
	for name, want := range map[string][]string{
		"there.example": {"one", "two parts"}, "long.example": {long + long}, "alias.example": {"one"}, "no-texts.example": nil, "none.example": nil,
	} {
		got, err := ask(t.Context(), name)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
	_, err = ask(t.Context(), "broken.example")
	require.Error(t, err, "no answer is not the answer no")
	begin := time.Now()
	_, err = ask(t.Context(), "silent.example")
	require.Error(t, err)
	require.Less(t, time.Since(begin), patience)
}
