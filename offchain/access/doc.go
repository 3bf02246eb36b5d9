// SPDX-License-Identifier: Apache-2.0

// Package access is how a tenant and a worker know each other without a third party: TLS pinned to the worker key that is on
// chain, and a short-lived token that the tenant's wallet signs.
//
//	tenant ── TLS, pinned to Container.worker_pubkey ──▶ worker      the tenant knows the worker
//	tenant ── Authorization: ATH <claims>.<pubkey>.<signature> ──▶   the worker knows the tenant
//
// The token's signature is over an ADR-36 document, so any wallet that can sign arbitrary data can mint one.
package access
