// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/worker/api"
	providers "github.com/athnet/ath/x/providers/types"
)

// tokenLife is how long the token for the worker holds; it outlives every start limit.
const tokenLife = time.Hour

// worker makes a client of a Container's gateway with a token for it.
func (d *Deployer) worker(c providers.Container) (*api.Client, error) {
	return d.Worker(c, access.ScopeManifest, access.ScopeStatus, access.ScopeLogs)
}

// Worker makes a client of a Container's gateway with a token of the given scopes.
func (d *Deployer) Worker(c providers.Container, scopes ...string) (*api.Client, error) {
	claims := access.NewClaims(d.Node.ChainID(), d.Sender.Address(), c.WorkerPubkey, d.now(), tokenLife, scopes...)
	token, err := access.Mint(claims, d.Sign)
	if err != nil {
		return nil, fmt.Errorf("sign a token for the worker: %w", err)
	}
	return api.NewClient(c.Endpoint, c.WorkerPubkey, token), nil
}

// deliver hands the manifest in until the worker takes it.
func (r *run) deliver(ctx context.Context, client *api.Client, endpoint string) error {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := client.PutManifest(ctx, r.canonical)
		var answer *api.Error
		if err == nil {
			return nil
		}
		refused := errors.As(err, &answer) && answer.Code < 500 && answer.Code != http.StatusTooManyRequests // a busy one is asked again
		if refused || errors.Is(err, access.ErrWrongKey) {
			return workerProblem(endpoint, err)
		}
		select {
		case <-ctx.Done():
			return workerProblem(endpoint, err)
		case <-time.After(pause):
		}
	}
}
