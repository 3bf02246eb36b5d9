// SPDX-License-Identifier: Apache-2.0

// Package ingress takes in HTTP for the services of leases and passes it on by name.
//
//	client ── TLS (SNI) ──▶ handshake: which site, which certificate, room for its lease?
//	       ── request (Host) ──▶ site ──▶ backend ──▶ dial(instance, port): one of the lease's own replicas
//
// What a client says chooses among sites, and nothing else: where a site's connections go is fixed when the worker sets it. A site's
// connections and requests end when the site does.
package ingress
