// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/api"
)

func expose(proto string, port, as uint16) manifest.Expose {
	return manifest.Expose{Port: port, As: as, Proto: proto, Global: true}
}

// TestPortsAreGivenAsNamedWhereTheyAreFree: several per service, TCP and UDP with one number, others chosen, all of them told.
func TestPortsAreGivenAsNamedWhereTheyAreFree(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:41061")
	require.NoError(t, err)
	defer busy.Close()
	r := newRig(t)
	dns := service("dns", imageWeb, manifest.RestartAlways)
	dns.Expose = []manifest.Expose{expose("tcp", 53, 41053), expose("udp", 53, 41053), expose("tcp", 443, 443)}
	web := service("web", imageWeb, manifest.RestartAlways)
	web.Expose = []manifest.Expose{expose("tcp", 8080, 41000), expose("tcp", 8081, 41053), expose("tcp", 8082, 41061), {Port: 9, As: 9, Proto: "tcp"}}
	m := workload(dns, web)
	r.deliver(m)
	lease := r.chain.open(1, m)
	r.settle()
	told := func() (out []string) {
		status, ok := r.status(lease)
		require.True(t, ok)
		require.Equal(t, api.PhaseRunning, status.Phase)
		for _, s := range status.Services {
			for _, p := range s.Ports {
				require.Equal(t, net.JoinHostPort("worker.example", strconv.Itoa(int(p.Host))), p.Address)
				out = append(out, s.Name+" "+p.Proto+" "+strconv.Itoa(int(p.Port))+" "+strconv.Itoa(int(p.Host)))
			}
		}
		return out
	}
	// dns comes first and takes 41000 for its port 443, which is out of the range; 41053/tcp and 41061 are taken.
	want := []string{"dns tcp 53 41053", "dns udp 53 41053", "dns tcp 443 41000", "web tcp 8080 41001", "web tcp 8081 41002", "web tcp 8082 41003"}
	require.Equal(t, want, told())
	all, err := r.runtime.List(t.Context())
	require.NoError(t, err)
	require.Len(t, all[0].Ports, 3)
	require.Len(t, all[1].Ports, 3)

	r.restart(r.chain, r.runtime, r.store)
	r.settle()
	require.Equal(t, want, told(), "a restart of the worker moves no port")
}
