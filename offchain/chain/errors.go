// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// madeAt is what an error of the SDK's says of the code that made it when it is printed inside another.
var madeAt = regexp.MustCompile(` \[[^\[\] ]+\.go:\d+\]`)

// Text is an error for people, without a line of anybody's code.
func Text(err error) string { return madeAt.ReplaceAllString(err.Error(), "") }

var (
	// ErrPruned: the node no longer has a block that was asked for. Ask an archive node, or start from the present.
	ErrPruned = errors.New("the node has pruned this block")
	// ErrFork: a block does not follow from the one before. The node serves another history than it did.
	ErrFork = errors.New("the node's blocks do not follow from those seen before")
	// ErrWrongChain: the node belongs to another chain than the one configured.
	ErrWrongChain = errors.New("the node belongs to another chain")
	// ErrNoNode: nothing answers at the configured address.
	ErrNoNode = errors.New("no node answers")
	// ErrNoAccount: the chain has never heard of the signer.
	ErrNoAccount = errors.New("the signer has no account on the chain")
	// ErrTimeout: a transaction was not seen in a block in time. TimeoutError says whether it may still be.
	ErrTimeout = errors.New("transaction was not included in time")
	// ErrClockSkew: the machine's clock and the chain's time differ by more than a transaction's life.
	ErrClockSkew = errors.New("this machine's clock differs from the chain's time")
)

// BroadcastError says that the node did not take the transaction. Try again.
type BroadcastError struct {
	Hash string
	// Uncertain: the connection broke, so that the node may have taken it all the same. Sending anew is safe for messages that the
	// chain takes once; for others wait until the transaction's life (SenderConfig.TTL) is over.
	Uncertain bool
	Err       error
}

func (e *BroadcastError) Error() string {
	fate := "nothing was executed, try again"
	if e.Uncertain {
		fate = "the node may have taken it all the same"
	}
	return fmt.Sprintf("broadcast transaction %.12s: %v (%s)", e.Hash, e.Err, fate)
}
func (e *BroadcastError) Unwrap() error { return e.Err }

// ExecutionError says that the chain refused the transaction. Sending the same again gives the same answer.
type ExecutionError struct {
	Hash      string
	Codespace string
	Code      uint32
	Log       string
	// Height of the block that refused it; 0 where it was refused before it got into one.
	Height int64
}

func (e *ExecutionError) Error() string {
	return fmt.Sprintf("transaction refused by the chain: %s (%s/%d)", e.Reason(), e.Codespace, e.Code)
}

// refusalPrefix says at which step and message of a transaction the chain refused it, which nobody needs of one that has one message.
var refusalPrefix = regexp.MustCompile(`^(failed to simulate tx: |failed to execute message; message index: \d+: )+`)

// Reason is the log without the words in front that every refusal has.
func (e *ExecutionError) Reason() string { return refusalPrefix.ReplaceAllString(e.Log, "") }

// Is reports whether an error is an ExecutionError with the same codespace and code, so that
// errors.Is(err, &ExecutionError{Codespace: "leases", Code: 7}) works.
func (e *ExecutionError) Is(target error) bool {
	t, ok := target.(*ExecutionError)
	return ok && t.Codespace == e.Codespace && t.Code == e.Code
}

// TimeoutError is an ErrTimeout.
type TimeoutError struct {
	Hash string
	// Expired: block time has passed the transaction's own timeout, so it can never be executed; sending anew is safe.
	// Otherwise its fate is unknown.
	Expired bool
	Waited  time.Duration
}

func (e *TimeoutError) Error() string {
	fate := "it may still be: look for it before sending anew"
	if e.Expired {
		fate = "it never will be: send anew"
	}
	return fmt.Sprintf("transaction %.12s was not included within %s; %s", e.Hash, e.Waited.Round(time.Millisecond), fate)
}
func (e *TimeoutError) Unwrap() error { return ErrTimeout }
