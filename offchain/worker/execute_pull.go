// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"encoding/hex"
	"errors"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// pull fetches an image in the background: minutes may pass, and other leases go on.
func (w *Worker) pull(ctx context.Context, a Action) error {
	m, hash, ok := w.wanted(a.Lease)
	if !ok {
		return nil
	}
	misfit := fits(m, w.capacity)
	if misfit == nil {
		w.fetch(ctx, a.Lease, hash, a.Image, credentialsOf(m, a.Image))
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems[a.Lease] = problem{manifest: hash, detail: misfit.Error()} // the next plan closes the lease with it, or leaves it as it is
	return nil
}

// wanted is the manifest that a lease is to run: the chain's, or the one that runs while that has not come.
func (w *Worker) wanted(lease string) (m manifest.Manifest, hash string, ok bool) {
	w.mu.Lock()
	s := w.standings[lease]
	w.mu.Unlock()
	if s.open() {
		hash = hex.EncodeToString(s.lease.ManifestHash)
		if m, ok = w.book.manifest(hash); ok {
			return m, hash, true
		}
	}
	intent, _ := w.book.intent(lease)
	m, ok = w.book.manifest(intent.ManifestHash)
	return m, intent.ManifestHash, ok
}

// wantedManifests are the hashes that leases of this worker have on chain: they may wait for images, or for room.
func (w *Worker) wantedManifests() map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]bool{}
	for _, s := range w.standings {
		if s.open() {
			out[hex.EncodeToString(s.lease.ManifestHash)] = true
		}
	}
	return out
}

// fetch starts a pull for a lease's manifest unless one runs; lease is empty for a manifest whose lease has not come yet.
func (w *Worker) fetch(ctx context.Context, lease, hash, image string, credentials *manifest.Credentials) {
	w.mu.Lock()
	if w.images[image] == imagePulling {
		w.mu.Unlock()
		return
	}
	w.images[image] = imagePulling
	w.mu.Unlock()
	begin := w.clock.Now()
	w.pulls.Go(func() {
		err := w.runtime.Pull(ctx, image, credentials)
		w.mu.Lock()
		w.images[image] = imagePresent
		if err != nil {
			delete(w.images, image)
		}
		if errors.Is(err, runtime.ErrImage) && lease != "" {
			w.problems[lease] = problem{manifest: hash, detail: err.Error()}
		}
		w.mu.Unlock()
		switch {
		case err == nil:
			w.metrics.Pulls.Observe(w.clock.Now().Sub(begin).Seconds())
		case ctx.Err() == nil && lease != "":
			w.failed(Action{Verb: Pull, Lease: lease, Image: image}, err)
		}
		kick(w.wake)
	})
}

// credentialsOf are the first that a manifest has for an image.
func credentialsOf(m manifest.Manifest, image string) *manifest.Credentials {
	for _, s := range m.Services {
		if s.Image == image && s.Credentials.For(image) {
			return s.Credentials
		}
	}
	return nil
}
