// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/worker/ingress"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// ingress makes the ingress; nil where the operator wants none.
func (a *app) ingress(key ed25519.PrivateKey, rt runtime.Entrance, registry prometheus.Registerer, health *daemon.Health) (*ingress.Ingress, error) {
	c := a.Worker
	if c.Ingress == "" {
		return nil, nil
	}
	return ingress.New(ingress.Config{
		Key: key, CertFile: c.IngressCert, KeyFile: c.IngressKey, Log: a.log, Metrics: registry,
		Dial: func(ctx context.Context, t ingress.Target) (net.Conn, error) { return rt.Dial(ctx, t.Key, t.Port) },
		Warn: func(err error) { health.Check("ingress-certificate", err) },
	})
}

// listenIngress opens the ingress's ports.
func (a *app) listenIngress(ctx context.Context, in *ingress.Ingress) ([]daemon.Actor, error) {
	if in == nil {
		return nil, nil
	}
	secure, err := daemon.Listen(ctx, a.Worker.Ingress)
	if err != nil {
		return nil, fmt.Errorf("ingress: %w", err)
	}
	var plain net.Listener
	if a.Worker.IngressHTTP != "" {
		if plain, err = daemon.Listen(ctx, a.Worker.IngressHTTP); err != nil {
			return nil, errors.Join(fmt.Errorf("ingress-http: %w", err), secure.Close())
		}
	}
	a.log.Info("ingress", "address", secure.Addr().String(), "domain", a.Worker.IngressDomain)
	return in.Actors(secure, plain), nil
}
