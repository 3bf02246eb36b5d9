// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/deploy"
	"github.com/athnet/ath/offchain/worker/api"
	leases "github.com/athnet/ath/x/leases/types"
)

func leaseForwardCommand() *cobra.Command {
	var address string
	cmd := withTenant(&cobra.Command{
		Use:   "forward LEASE [SERVICE] LOCAL:REMOTE…",
		Short: "Reach ports inside a workload from this machine",
		Long: "Listen on ports of this machine, and hand every connection on to a TCP port inside a service, published or not, through the\n" +
			"worker's encrypted gateway. LOCAL 0 takes a free port; REMOTE alone is the same port here. Goes on until interrupted.",
		Example: "  athd lease forward 1 8888:8888                 # a notebook that only listens inside\n" +
			"  athd lease forward 1 db 15432:5432 0:9090\n  athd lease forward 1 8080 --output json",
		Args: cobra.MinimumNArgs(2),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		id, err := t.leaseID(args[0])
		if err != nil {
			return err
		}
		service, ports, err := parseForward(args[1:])
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		f := &forwarder{t: t, id: id, service: service, talk: func(format string, args ...any) {
			fmt.Fprintf(cmd.ErrOrStderr(), "athd: "+format+"\n", args...)
		}}
		return f.run(ctx, address, ports, func(local string, remote uint16) error {
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(forwarding{local, f.service, remote})
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s → %s:%d\n", local, f.service, remote)
			return err
		})
	})
	cmd.Flags().StringVar(&address, "address", "127.0.0.1", "address of this machine to listen on; another than loopback lets others in")
	return cmd
}

// forwarding is a line of `lease forward --output json`.
type forwarding struct {
	Local   string `json:"local"`
	Service string `json:"service"`
	Remote  uint16 `json:"remote"`
}

type portPair struct{ local, remote uint16 }

// parseForward reads [SERVICE] LOCAL:REMOTE….
func parseForward(args []string) (service string, pairs []portPair, err error) {
	if _, err := parsePair(args[0]); err != nil && !strings.ContainsAny(args[0][:min(1, len(args[0]))], "0123456789:") {
		service, args = args[0], args[1:]
	}
	if len(args) == 0 {
		return "", nil, errors.New("no ports; want LOCAL:REMOTE, such as 8080:80")
	}
	for _, arg := range args {
		p, err := parsePair(arg)
		if err != nil {
			return "", nil, err
		}
		pairs = append(pairs, p)
	}
	return service, pairs, nil
}

func parsePair(s string) (portPair, error) {
	local, remote, both := strings.Cut(s, ":")
	if !both {
		remote = local
	}
	l, lerr := strconv.ParseUint(local, 10, 16)
	r, rerr := strconv.ParseUint(remote, 10, 16)
	if lerr != nil || rerr != nil || r == 0 {
		return portPair{}, fmt.Errorf("ports %q: want LOCAL:REMOTE, such as 8080:80; 0:80 takes a free one here", s)
	}
	return portPair{uint16(l), uint16(r)}, nil
}

// forwarder hands connections on, over a lease's life and longer than a token's.
type forwarder struct {
	t       *tenant
	id      leases.LeaseID
	service string
	talk    func(format string, args ...any)

	mu      sync.Mutex
	worker  *api.Client
	minted  time.Time
	waiting sync.WaitGroup
}

// tokenUse is how long one token is used; it lives for an hour.
const tokenUse = 50 * time.Minute

// client returns a connection to the worker that has the lease now.
func (f *forwarder) client(ctx context.Context) (*api.Client, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.worker != nil && time.Since(f.minted) < tokenUse {
		return f.worker, nil
	}
	resp, err := f.t.lease(ctx, f.id)
	if err != nil {
		return nil, err
	}
	if resp.Lease == nil {
		return nil, errLeaseOver
	}
	container, err := f.t.serving(ctx, resp)
	if err != nil {
		return nil, err
	}
	next, err := f.t.Worker(container, access.ScopeForward, access.ScopeStatus)
	if err != nil {
		return nil, err
	}
	if f.worker != nil {
		f.worker.Close() // what is open goes on
	}
	f.worker, f.minted = next, time.Now()
	return next, nil
}

var errLeaseOver = &deploy.Problem{Text: "the lease is closed", Remedy: "athd lease list shows those that are open"}

// renew makes the next connection look for the lease again.
func (f *forwarder) renew() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.minted = time.Time{}
}

// run listens until ctx or the lease ends.
func (f *forwarder) run(ctx context.Context, address string, ports []portPair, ready func(local string, remote uint16) error) error {
	client, err := f.client(ctx)
	if err != nil {
		return err
	}
	status, err := client.Status(ctx, f.id.String())
	if err != nil {
		return sessionProblem(err)
	}
	if f.service, err = serviceIn(status, f.service); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer f.waiting.Wait()
	defer cancel(nil)
	for _, p := range ports {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(address, strconv.Itoa(int(p.local))))
		if err != nil {
			return &deploy.Problem{Text: fmt.Sprintf("port %d of this machine can't be used", p.local), Remedy: fmt.Sprintf("choose another: 0:%d takes a free one", p.remote), Err: err}
		}
		context.AfterFunc(ctx, func() { _ = l.Close() }) // the command is over
		if err := ready(l.Addr().String(), p.remote); err != nil {
			return errors.Join(err, l.Close())
		}
		f.waiting.Go(func() { f.accept(ctx, cancel, l, p.remote) })
	}
	<-ctx.Done()
	if why := context.Cause(ctx); errors.Is(why, errLeaseOver) {
		return why
	}
	return nil
}

// serviceIn returns the service that is meant.
func serviceIn(s api.Status, name string) (string, error) {
	names := make([]string, 0, len(s.Services))
	for _, one := range s.Services {
		if one.Name == name || name == "" && len(s.Services) == 1 {
			return one.Name, nil
		}
		names = append(names, one.Name)
	}
	if len(names) == 0 {
		return "", &deploy.Problem{Text: "the lease has no services yet", Remedy: "athd lease status says what it waits for"}
	}
	return "", &deploy.Problem{Text: fmt.Sprintf("service %q is not in the lease", name), Remedy: "say one of " + strings.Join(names, ", ")}
}

func (f *forwarder) accept(ctx context.Context, cancel context.CancelCauseFunc, l net.Listener, remote uint16) {
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() == nil {
				cancel(fmt.Errorf("accept: %w", err))
			}
			return
		}
		f.waiting.Go(func() {
			if err := f.one(ctx, conn, remote); err != nil && ctx.Err() == nil {
				if errors.Is(err, errLeaseOver) {
					cancel(errLeaseOver)
					return
				}
				f.talk("port %d: %v", remote, err)
			}
		})
	}
}

// one hands one connection on, and closes it.
func (f *forwarder) one(ctx context.Context, conn net.Conn, remote uint16) error {
	client, err := f.client(ctx)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	err = client.Forward(ctx, f.id.String(), f.service, remote, conn, nil)
	var answer *api.Error
	if errors.As(err, &answer) && (answer.Code == http.StatusGone || answer.Code == http.StatusUnauthorized || answer.Code == http.StatusNotFound) {
		f.renew() // moved, or over: the chain says which
		if _, cerr := f.client(ctx); cerr != nil {
			return cerr
		}
	}
	if err == nil || errors.Is(err, net.ErrClosed) || errors.Is(err, context.Canceled) {
		return nil
	}
	return sessionProblem(err)
}
