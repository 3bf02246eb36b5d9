// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/athnet/ath/offchain/access"
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
