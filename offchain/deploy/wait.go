// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/api"
)

const (
	// pollFast is how often a worker is asked while a start is expected any moment, pollSlow afterwards: pulling takes longer.
	pollFast = 20 * time.Millisecond
	pollSlow = 500 * time.Millisecond
	fastFor  = 5 * time.Second
	// answerTimeout is how long one try to reach the workload takes.
	answerTimeout = 2 * time.Second
)

// wait follows the worker's word until all services run, and then the workload itself until it answers.
func (r *run) wait(ctx context.Context, client *api.Client, endpoint string) error {
	status, err := r.running(ctx, client, endpoint)
	r.result.Phase = string(status.Phase)
	if err != nil {
		return err
	}
	r.mark("running")
	r.result.Endpoints = endpoints(r.file.Manifest, status)
	for _, e := range r.result.Endpoints {
		if e.Proto != "tcp" || status.Phase != api.PhaseRunning {
			continue
		}
		r.say("running; waiting for %s to answer", e.Address)
		if err := answers(ctx, e); err != nil {
			return &Problem{
				Text:   fmt.Sprintf("the workload runs and does not answer at %s", e.Address),
				Remedy: "look at athd lease logs " + r.result.LeaseID + "; the lease stays open until it is closed",
				Err:    err,
			}
		}
		r.mark("answers")
		break
	}
	return nil
}

// running polls the worker until the phase is running, or the lease has ended.
func (r *run) running(ctx context.Context, client *api.Client, endpoint string) (api.Status, error) {
	begin := r.now()
	var said string
	for {
		status, err := client.Status(ctx, r.result.LeaseID)
		var answer *api.Error
		switch {
		case err == nil && status.Phase == api.PhaseRunning:
			return status, nil
		case err == nil && (status.Phase == api.PhaseClosing || status.Phase == api.PhaseClosed):
			return status, r.ended(status)
		case err == nil:
			if talk := strings.TrimSpace(string(status.Phase) + " " + status.Detail); talk != said {
				r.say("worker: %s", talk)
				said = talk
			}
		case errors.As(err, &answer) && answer.Code == http.StatusNotFound:
			// The worker has not seen the lease's block yet.
		case errors.Is(err, access.ErrWrongKey), errors.As(err, &answer) && answer.Code < 500 && answer.Code != http.StatusTooManyRequests:
			return status, workerProblem(endpoint, err)
		}
		pause := pollFast
		if r.now().Sub(begin) > fastFor {
			pause = pollSlow
		}
		select {
		case <-ctx.Done():
			if err != nil {
				return status, workerProblem(endpoint, err)
			}
			return status, &Problem{
				Text:   fmt.Sprintf("the workload is not running yet (%s %s)", status.Phase, status.Detail),
				Remedy: "look at athd lease status " + r.result.LeaseID + "; nothing is billed before it runs",
				Err:    ctx.Err(),
			}
		case <-time.After(pause):
		}
	}
}

// ended says why a lease ended before its workload was seen running; a job that was quicker than the polling is no error.
func (r *run) ended(status api.Status) error {
	codes := make([]string, 0, len(status.Services))
	failed := false
	for _, s := range status.Services {
		codes = append(codes, fmt.Sprintf("%s exited with %d", s.Name, s.ExitCode))
		failed = failed || s.ExitCode != 0
	}
	if !status.RunningSince.IsZero() && !failed {
		return nil
	}
	return &Problem{
		Text:   fmt.Sprintf("the lease has ended: %s %s %s", status.CloseReason, status.Detail, strings.Join(codes, ", ")),
		Remedy: "look at athd lease logs " + r.result.LeaseID,
	}
}

// endpoints lists the published ports in the order of the file: services by name, rules as written.
func endpoints(m manifest.Manifest, status api.Status) []Endpoint {
	out := []Endpoint{}
	for _, svc := range m.Services {
		i := slices.IndexFunc(status.Services, func(s api.Service) bool { return s.Name == svc.Name })
		if i < 0 {
			continue
		}
		for _, p := range status.Services[i].Ports {
			e := Endpoint{Service: svc.Name, Port: p.As, Proto: p.Proto, Address: p.Address}
			if p.Proto == "tcp" {
				e.URL = (&url.URL{Scheme: "http", Host: p.Address, Path: "/"}).String()
			}
			out = append(out, e)
		}
	}
	for _, s := range status.Services { // under names behind those under addresses
		for _, n := range s.Names {
			if n.URL != "" {
				out = append(out, Endpoint{Service: s.Name, Port: n.Port, Proto: "https", Address: n.Host, URL: n.URL})
			}
		}
	}
	return out
}

// answers returns once the workload itself has answered: with HTTP, or with anything else, or by keeping a connection open. An
// accepted connection alone says nothing, because the engine's proxy accepts before the service does.
func answers(ctx context.Context, e Endpoint) error {
	client := &http.Client{
		Timeout:       answerTimeout,
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.URL, nil)
		if err != nil {
			return fmt.Errorf("address %s: %w", e.Address, err)
		}
		resp, err := client.Do(req)
		if err == nil {
			_, err = io.CopyN(io.Discard, resp.Body, 1)
			resp.Body.Close()
			if err == nil || errors.Is(err, io.EOF) {
				return nil
			}
		} else if otherProtocol(err) {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pollFast):
		}
	}
}

// otherProtocol says whether the failure of an HTTP request shows a service that is there and speaks something else.
func otherProtocol(err error) bool {
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		var op *net.OpError
		return !errors.As(err, &op) || op.Op != "dial"
	}
	return strings.Contains(err.Error(), "malformed HTTP")
}

// Ports says where a lease's workload is reached, from a worker's status; for people.
func Ports(status api.Status) []string {
	var out []string
	for _, s := range status.Services {
		for _, p := range s.Ports {
			out = append(out, s.Name+":"+strconv.Itoa(int(p.As))+"/"+p.Proto+" at "+p.Address)
		}
	}
	return out
}
