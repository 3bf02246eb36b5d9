// SPDX-License-Identifier: Apache-2.0

package deploy_test

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/deploy"
	"github.com/athnet/ath/offchain/manifest"
)

// TestPin asks a real registry: what its tag names now is what is rented, also after the tag has moved.
func TestPin(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	image := strings.TrimPrefix(server.URL, "http://") + "/acme/app:v1"
	ref, err := name.ParseReference(image)
	require.NoError(t, err)
	push := func() string {
		img, err := random.Image(64, 1)
		require.NoError(t, err)
		require.NoError(t, remote.Write(ref, img))
		digest, err := img.Digest()
		require.NoError(t, err)
		return digest.String()
	}
	file := &manifest.File{Manifest: manifest.Manifest{Services: []manifest.Service{{Name: "web", Image: image}}}}
	say := func(string) {}
	require.ErrorContains(t, deploy.Pin(t.Context(), file, say), "services.web.image: which image is "+image+"?")
	require.False(t, file.Pinned())

	first := push()
	var said string
	require.NoError(t, deploy.Pin(t.Context(), file, func(line string) { said = line }))
	require.Equal(t, image+" is "+first, said)
	pinned := strings.TrimSuffix(image, ":v1") + "@" + first
	require.Equal(t, pinned, file.Manifest.Services[0].Image)

	require.NotEqual(t, first, push())
	require.NoError(t, deploy.Pin(t.Context(), file, say))
	require.Equal(t, pinned, file.Manifest.Services[0].Image)
}
