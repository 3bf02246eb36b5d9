// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/worker/api"
)

func TestDomainRecords(t *testing.T) {
	got, err := domainRecords("ath-1", "ath1me", []string{"WWW.Example.org.", "*.example.org", "example.org"})
	require.NoError(t, err)
	require.Equal(t, []string{"www.example.org", "_ath-challenge.www.example.org", "TXT"}, []string{got[0].Host, got[0].Record, got[0].Type})
	require.Equal(t, []string{"_ath-challenge.example.org", "_ath-challenge.example.org"}, []string{got[1].Record, got[2].Record})
	require.NotEqual(t, got[1].Value, got[2].Value, "a wildcard and the name above it are two")
	// A vector: what is published in DNS must not change with a release.
	require.Equal(t, "ath-domain=LoGC7mOtvoDNXIERPSPu4AA6KMWXNoHQtBkl1WeyUuk", got[0].Value)
	for _, bad := range []string{"localhost", "10.0.0.1", "a b.org", "www.example.org:443", ""} {
		_, err := domainRecords("ath-1", "ath1me", []string{bad})
		require.ErrorContains(t, err, "want one such as", bad)
	}
}

func TestReadCertificate(t *testing.T) {
	dir := t.TempDir()
	chain, key := filepath.Join(dir, "chain.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(chain, []byte("chain"), 0o600))
	require.NoError(t, os.WriteFile(key, []byte("key"), 0o600))
	cert, err := readCertificate(chain, key, false)
	require.NoError(t, err)
	require.Equal(t, &api.Certificate{Chain: "chain", Key: "key"}, cert)
	cert, err = readCertificate("", "", true)
	require.NoError(t, err)
	require.Nil(t, cert)
	for _, bad := range []struct {
		chain, key string
		remove     bool
	}{{"", "", false}, {chain, "", false}, {"", key, false}, {chain, key, true}, {chain, "", true}, {filepath.Join(dir, "none"), key, false}} {
		_, err := readCertificate(bad.chain, bad.key, bad.remove)
		require.Error(t, err, "%v", bad)
	}
}

// TestStatusSaysWhatToDoAboutNames: where a name leads, who vouches for it, or what it waits for.
func TestStatusSaysWhatToDoAboutNames(t *testing.T) {
	var out strings.Builder
	printNames(&out, api.Service{Name: "web", Names: []api.Name{
		{Host: "abc.apps.example", State: api.NameReady, URL: "https://abc.apps.example/", Certificate: api.CertProvider},
		{Host: "own.example", State: api.NameReady, URL: "https://own.example:8443/", Certificate: api.CertTenant, Until: time.Unix(0, 0).UTC()},
		{Host: "www.example.org", State: api.NamePending, Detail: "publish TXT a = b"},
	}})
	require.Equal(t, "name web\thttps://abc.apps.example/\nname web\thttps://own.example:8443/, your certificate until 1970-01-01T00:00:00Z\nname web\twww.example.org: pending; publish TXT a = b\n", out.String())
}
