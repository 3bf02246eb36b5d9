// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"crypto/ed25519"
	"net/http"

	"github.com/cosmos/gogoproto/jsonpb"

	leasetypes "github.com/athnet/ath/x/leases/types"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// statement is what this worker signs of a lease's end: the end that it has asked for, the one that the chain has told it of, or, while
// it serves the lease, the one that its tenant is about to bring about.
func (w *Worker) statement(i Intent) leasetypes.WorkerStatement {
	s := leasetypes.WorkerStatement{
		Reason: leasetypes.CloseReason_CLOSE_REASON_TENANT, EndedAt: w.stamp(), UsageSequence: i.Head.Sequence, UsageHash: i.Head.Hash,
	}
	if m, ok := w.book.manifest(i.ManifestHash); ok {
		s.ImageDigest = imageDigest(m)
	}
	switch {
	case i.Closing != nil:
		s.Reason, s.ExitCodes = i.Closing.Reason, i.Closing.Codes
		if !i.Closing.At.IsZero() {
			s.EndedAt = i.Closing.At
		}
	case !i.ClosedAt.IsZero():
		s.Reason, s.EndedAt, s.ExitCodes = i.CloseReason, i.ClosedAt, w.exitCodes(i)
	default:
		s.ExitCodes = w.exitCodes(i)
	}
	s.Signature = ed25519.Sign(w.key, s.SignBytes(w.network().ChainID, i.Lease, i.ContainerID))
	return s
}

// exitCodes are those of a lease's services in order of name; none unless all have ended.
func (w *Worker) exitCodes(i Intent) []int32 {
	m, ok := w.book.manifest(i.ManifestHash)
	if !ok {
		return nil
	}
	have := w.instances(i.Lease)
	codes := make([]int32, 0, len(m.Services))
	for _, service := range m.Services {
		if ending, ok := i.Endings[service.Name]; ok {
			codes = append(codes, int32(ending.ExitCode))
			continue
		}
		instance, ok := find(have, runtime.Key{Lease: i.Lease, Service: service.Name})
		if !ok || !instance.Ended() {
			return nil
		}
		codes = append(codes, int32(instance.ExitCode))
	}
	return codes
}

// serveStatement signs the end of a lease for its tenant, who closes with it, or keeps it beside a receipt that has none.
func (w *Worker) serveStatement(rw http.ResponseWriter, req *http.Request) error {
	lease, err := w.leaseOf(req, access.ScopeStatus)
	if err != nil {
		return err
	}
	intent, ok := w.book.intent(lease)
	if !ok {
		return refuse(http.StatusNotFound, "this worker does not know lease "+lease, "close it without a statement")
	}
	if !intent.ClosedAt.IsZero() && intent.CloseReason == leasetypes.CloseReason_CLOSE_REASON_UNSPECIFIED {
		return refuse(http.StatusConflict, "lease "+lease+" has left this worker", "ask the worker that serves it now")
	}
	s := w.statement(intent)
	rw.Header().Set("Content-Type", "application/json")
	return (&jsonpb.Marshaler{OrigName: true}).Marshal(rw, &s)
}
