// SPDX-License-Identifier: Apache-2.0

package access

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPinnedTLS(t *testing.T) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello")
	}))
	server.TLS, err = ServerTLS(key)
	require.NoError(t, err)
	server.StartTLS()
	defer server.Close()

	get := func(config *tls.Config) error {
		transport := &http.Transport{TLSClientConfig: config}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get(server.URL)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
	require.NoError(t, get(PinnedTLS(pub)))

	// A resumed session is held to the same key.
	resumed := PinnedTLS(pub)
	resumed.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	require.NoError(t, get(resumed))
	require.NoError(t, get(resumed))

	other, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	require.ErrorIs(t, get(PinnedTLS(other)), ErrWrongKey)
	require.ErrorIs(t, get(PinnedTLS(nil)), ErrWrongKey)
}

func TestServerCertRefusesShortKey(t *testing.T) {
	_, err := ServerCert(make([]byte, 5))
	require.ErrorContains(t, err, "want 64 bytes, have 5")
}
