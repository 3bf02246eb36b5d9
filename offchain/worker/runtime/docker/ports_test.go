// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/worker/runtime"
)

// TestPortsArePublished: two TCP ports and two UDP ones of a service, one of each under the same number of the machine.
func TestPortsArePublished(t *testing.T) {
	r, s := subject(t)
	s.Env = []string{"DO=listen", "PORTS=tcp/7001,tcp/7002,udp/7001,udp/7003"}
	s.Ports = []runtime.Port{
		{Port: 7001, Host: 42301, Proto: "tcp"}, {Port: 7002, Host: 42302, Proto: "tcp"},
		{Port: 7001, Host: 42301, Proto: "udp"}, {Port: 7003, Host: 42303, Proto: "udp"},
	}
	run(t, r, s)
	require.ElementsMatch(t, s.Ports, instance(t, r, s.Key).Ports)
	for _, p := range s.Ports {
		want := fmt.Sprintf("%s/%d ping", p.Proto, p.Port)
		require.Eventually(t, func() bool {
			conn, err := net.Dial(p.Proto, fmt.Sprintf("127.0.0.1:%d", p.Host))
			if err != nil {
				return false
			}
			defer conn.Close()
			got := make([]byte, len(want))
			if conn.SetDeadline(time.Now().Add(time.Second)) != nil {
				return false
			}
			if _, err := conn.Write([]byte("ping")); err != nil {
				return false
			}
			_, err = io.ReadFull(conn, got)
			return err == nil && string(got) == want
		}, patience, 50*time.Millisecond, want)
	}
}
