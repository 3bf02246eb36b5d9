// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/worker/api"
)

// Problem is an error for a person: what is wrong in one sentence, and what to do about it.
type Problem struct { //nolint:errname // what a person reads is a problem; Go code has errors.As
	Text   string
	Remedy string
	// Err is the cause, where there is one.
	Err error
}

// Error is "text; remedy".
func (p *Problem) Error() string {
	s := p.Text
	if p.Err != nil {
		s += ": " + p.Err.Error()
	}
	if p.Remedy != "" {
		s += "; " + p.Remedy
	}
	return s
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Err }

// ErrNoMatch means that no free Container fits; the Problem around it names the dimension that failed.
var ErrNoMatch = errors.New("no free Container fits")

// InterruptedError says that a deployment was stopped on its way, and what it has left behind.
type InterruptedError struct {
	// LeaseID of the lease that is open; empty where there is none, or where nobody knows.
	LeaseID string
	// Uncertain: a transaction is on its way that opens one.
	Uncertain bool
	// Err is what the interruption broke off.
	Err error
}

// Error says what bills, and how to end that.
func (e *InterruptedError) Error() string {
	switch {
	case e.LeaseID != "":
		return "interrupted; lease " + e.LeaseID + " is open and bills once its workload runs: athd lease close " + e.LeaseID + " ends it, athd lease status " + e.LeaseID + " shows it"
	case e.Uncertain:
		return "interrupted; the transaction is on its way, so a lease may be open, or be so within a minute: athd lease list shows it, athd lease close ends it"
	}
	return "interrupted; no lease was opened"
}

// Unwrap returns the cause.
func (e *InterruptedError) Unwrap() error { return e.Err }

// ExitCode is a shell's for a program that SIGINT ended.
func (e *InterruptedError) ExitCode() int { return 130 }

// interrupted tells from what was broken off how far it was.
func interrupted(result *Result, err error) *InterruptedError {
	out := &InterruptedError{Err: err}
	if result != nil {
		out.LeaseID = result.LeaseID
	}
	var late *chain.TimeoutError
	var broken *chain.BroadcastError
	out.Uncertain = errors.As(err, &late) && !late.Expired || errors.As(err, &broken) && broken.Uncertain
	return out
}

// maxSkew is how far this clock may be from the network's: tokens and quotes live for a minute.
const maxSkew = 30 * time.Second

// checkClock compares this machine's clock with the time of the latest block.
func checkClock(now, block time.Time, blockAge time.Duration) error {
	switch ahead := now.Sub(block); {
	case ahead < -maxSkew:
		return &Problem{
			Text:   fmt.Sprintf("this machine's clock is %s behind the network's", (-ahead).Round(time.Second)),
			Remedy: "set it (timedatectl set-ntp true) and try again",
		}
	case ahead > blockAge+maxSkew:
		return &Problem{
			Text:   fmt.Sprintf("the node's latest block is %s old", ahead.Round(time.Second)),
			Remedy: "either this machine's clock is ahead (timedatectl set-ntp true) or the node is not in step (athd status); try another with --node",
		}
	}
	return nil
}

// workerProblem says what an answer of a worker, or its silence, means for the tenant.
func workerProblem(endpoint string, err error) error {
	var answer *api.Error
	var network *net.OpError
	switch {
	case errors.Is(err, access.ErrWrongKey):
		return &Problem{Text: "whoever answers at " + endpoint + " does not hold the worker key that is on chain", Remedy: "nothing was sent to it; deploy again and leave it out with --exclude", Err: err}
	case errors.As(err, &answer) && (answer.Code == 401 || answer.Code == 403) && strings.Contains(answer.Message, "expired"):
		return &Problem{Text: "the worker refused the token because of its times", Remedy: "compare this machine's clock with the network's: athd status", Err: err}
	case errors.As(err, &answer):
		return &Problem{Text: "the worker at " + endpoint + " refused", Err: err}
	case errors.As(err, &network):
		return &Problem{Text: "the worker at " + endpoint + " does not answer", Remedy: "the lease bills nothing until its workload runs; wait, or close it and deploy again with --exclude", Err: err}
	}
	return err
}
