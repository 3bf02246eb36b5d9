// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"fmt"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/athnet/ath/offchain/manifest"
)

// pinTimeout bounds the questions about one image: a token and a digest.
const pinTimeout = 20 * time.Second

// Pin asks registries for the digests of images that a file names by tag, and says what it takes them for. From then on the
// tag may move: the lease is for what it named now.
func Pin(ctx context.Context, file *manifest.File, say func(string)) error {
	return file.Pin(func(image string, credentials *manifest.Credentials) (string, error) {
		digest, err := resolve(ctx, image, credentials)
		if err == nil {
			say(fmt.Sprintf("%s is %s", image, digest))
		}
		return digest, err
	})
}

func resolve(ctx context.Context, image string, credentials *manifest.Credentials) (string, error) {
	ref, err := name.NewTag(image)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, pinTimeout)
	defer cancel()
	auth := authn.Anonymous
	if credentials != nil {
		auth = authn.FromConfig(authn.AuthConfig{Username: credentials.Username, Password: credentials.Password})
	}
	found, err := remote.Head(ref, remote.WithContext(ctx), remote.WithAuth(auth))
	if err != nil {
		return "", fmt.Errorf("which image is %s? %w; check name, tag and credentials, or name it by digest: %s@sha256:…", image, err, ref.Context().Name())
	}
	return found.Digest.String(), nil
}
