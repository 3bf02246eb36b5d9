// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	leases "github.com/athnet/ath/x/leases/types"
)

func printReceiptReport(out io.Writer, r receiptReport) error {
	verdict := "is proven"
	if !r.Right {
		verdict = "IS NOT PROVEN"
	}
	fmt.Fprintf(out, "The receipt of lease %s of %s %s.\n\n", r.LeaseID, r.ChainID, verdict)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	by := r.Receipt.ClosedBy
	if by == "" {
		by = "the chain"
	}
	fmt.Fprintf(w, "closed by\t%s: %s\n", by, word(r.Receipt.Reason.String(), "CLOSE_REASON_"))
	if r.Receipt.StartedAt == nil {
		fmt.Fprintf(w, "ran\tnever\n")
	} else {
		fmt.Fprintf(w, "ran\t%s to %s\n", r.Receipt.StartedAt.UTC().Format(time.RFC3339), r.Receipt.EndedAt.UTC().Format(time.RFC3339))
	}
	fmt.Fprintf(w, "billed\t%s%s, of it service fee %s; faults have given back %s\n", r.Receipt.Billed, r.Receipt.Denom, r.Receipt.Fee, r.Receipt.Credited)
	fmt.Fprintf(w, "refunded\t%s%s of what was reserved\n", r.Receipt.Refunded, r.Receipt.Denom)
	if len(r.Receipt.ExitCodes) > 0 {
		fmt.Fprintf(w, "exit codes\t%v\n", r.Receipt.ExitCodes)
	}
	fmt.Fprintf(w, "container\t%d, %s\n", r.Receipt.ContainerId, health(r.Receipt))
	fmt.Fprintf(w, "worker key\t%X, as the chain had it of this Container\n", r.Receipt.WorkerPubkey)
	printStatement(w, r)
	fmt.Fprintf(w, "receipt's hash\t%s\n", r.Hash)
	fmt.Fprintf(w, "its place\t%d of %d receipts until the end of epoch %d\n", r.Index+1, r.Count, r.Epoch) // people count from 1
	fmt.Fprintf(w, "root\t%s, from %s\n", r.Root, r.Source)
	if !r.Right {
		fmt.Fprintf(w, "why not\t%s\n", r.Why)
	}
	return w.Flush()
}

// health says in words how a Container was when its lease ended.
func health(r leases.Receipt) string {
	switch { // a file may say anything
	case r.HealthAt == nil:
		return "not checked when the lease ended"
	case r.Health == leases.Health_HEALTH_HEALTHY:
		return "healthy by the checks until " + r.HealthAt.UTC().Format(time.RFC3339)
	case r.Health == leases.Health_HEALTH_FAULTY:
		return "faulty since " + r.HealthAt.UTC().Format(time.RFC3339)
	default:
		return word(r.Health.String(), "HEALTH_")
	}
}

// printStatement tells the worker's own word, and whether it is its.
func printStatement(w io.Writer, r receiptReport) {
	s := r.Receipt.Statement
	if s == nil {
		fmt.Fprintf(w, "worker's statement\tnone: it was not asked, or could not be\n")
		return
	}
	verdict := "signed by the worker key"
	if r.Statement != "signed" {
		verdict = "NOT SIGNED by the worker key"
	}
	fmt.Fprintf(w, "worker's statement\t%s: %s, served until %s, %d usage records, exit codes %v, images %X\n", verdict,
		word(s.Reason.String(), "CLOSE_REASON_"), s.EndedAt.UTC().Format(time.RFC3339), s.UsageSequence, s.ExitCodes, s.ImageDigest)
}
