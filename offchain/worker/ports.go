// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// hostPort is a port of the machine; TCP and UDP have numbers of their own.
type hostPort struct {
	proto  string
	number uint16
}

// wish is a published port that has none of the machine's yet.
type wish struct {
	key   string // portKey
	proto string
	// as is the port that the tenant would like best; it gets it where it is in the range and free.
	as uint16
}

// portsOf returns the host ports of a service, chosen once per lease and then kept.
func (w *Worker) portsOf(ctx context.Context, lease string, service manifest.Service) ([]runtime.Port, error) {
	intent, _ := w.book.intent(lease)
	var missing []wish
	for _, e := range service.Expose {
		if key := portKey(service.Name, e); w.published(e) && intent.Ports[key] == 0 {
			missing = append(missing, wish{key: key, proto: e.Proto, as: e.As})
		}
	}
	if len(missing) > 0 {
		chosen, err := w.choosePorts(ctx, missing)
		if err != nil {
			return nil, err
		}
		if err := w.book.update(lease, func(i *Intent) error {
			if i.Ports == nil {
				i.Ports = map[string]uint16{}
			}
			for k, p := range chosen {
				i.Ports[k] = p
			}
			return nil
		}); err != nil {
			return nil, err
		}
		intent, _ = w.book.intent(lease) // it was updated just now, so it is there
	}
	var out []runtime.Port
	for _, e := range service.Expose {
		if w.published(e) {
			out = append(out, runtime.Port{Port: e.Port, Host: intent.Ports[portKey(service.Name, e)], Proto: e.Proto})
		}
	}
	return out, nil
}

// published says whether a port is to have one of the machine's. What has options for HTTP is served by the ingress alone, where there is
// one: the options would not hold for a port of the machine.
func (w *Worker) published(e manifest.Expose) bool {
	return e.Global && (w.ingress == nil || !e.IsHTTP() || e.HTTP == nil)
}

// choosePorts gives every published port of a service a free host port, from the configured range: the one that the tenant named
// where that can be had, else the lowest.
func (w *Worker) choosePorts(ctx context.Context, want []wish) (map[string]uint16, error) {
	low, high, err := w.config.portRange()
	if err != nil {
		return nil, err
	}
	taken := w.takenPorts()
	out := map[string]uint16{}
	try := func(of wish, number int) bool {
		p := hostPort{of.proto, uint16(number)}
		if number < low || number > high || taken[p] || !w.free(ctx, of.proto, number) {
			return false
		}
		out[of.key], taken[p] = p.number, true
		return true
	}
	for _, of := range want {
		try(of, int(of.as))
	}
	for _, of := range want {
		next := low
		for ; out[of.key] == 0 && next <= high && !try(of, next); next++ {
		}
		if next > high {
			return nil, fmt.Errorf("no free host port in %s; give a wider range with --ports", w.config.Ports)
		}
	}
	return out, nil
}

// takenPorts are those that leases have, whether their instances are there or not.
func (w *Worker) takenPorts() map[hostPort]bool {
	taken := map[hostPort]bool{}
	intents, _ := w.book.all()
	for _, i := range intents {
		if !i.ClosedAt.IsZero() && i.Archived {
			continue
		}
		for key, p := range i.Ports {
			taken[hostPort{key[strings.LastIndexByte(key, '/')+1:], p}] = true
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, i := range w.have {
		for _, p := range i.Ports {
			taken[hostPort{p.Proto, p.Host}] = true
		}
	}
	return taken
}

// free says whether a port can be had now. Something else may take it before the engine does: then the engine says so.
func (w *Worker) free(ctx context.Context, proto string, port int) bool {
	addr := net.JoinHostPort(w.config.PublishIP, strconv.Itoa(port))
	var lc net.ListenConfig
	if proto == "udp" {
		c, err := lc.ListenPacket(ctx, "udp", addr)
		return err == nil && c.Close() == nil
	}
	l, err := lc.Listen(ctx, "tcp", addr)
	return err == nil && l.Close() == nil
}
