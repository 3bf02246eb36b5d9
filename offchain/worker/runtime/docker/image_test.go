// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/worker/runtime"
	"github.com/athnet/ath/offchain/worker/runtime/runtimetest"
)

// small takes images of at most 16 MiB.
func small(t *testing.T) *Runtime {
	t.Helper()
	r, err := New(t.Context(), Config{
		Host: runtimetest.Engine(t), Chain: "ath-test", Worker: t.Name(), ImageMiB: 16, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// layerOf writes a compressed layer to a file: files of a size each, all zeros.
func layerOf(t *testing.T, files int, size int64) v1.Layer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "layer.tar.gz")
	f, err := os.Create(path)
	require.NoError(t, err)
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	require.NoError(t, err)
	w := tar.NewWriter(z)
	for n := range files {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: fmt.Sprintf("f%d-%d", size, n), Typeflag: tar.TypeReg, Mode: 0o644, Size: size}))
		_, err = io.CopyN(w, zeros{}, size)
		require.NoError(t, err)
	}
	for _, c := range []io.Closer{w, z, f} {
		require.NoError(t, c.Close())
	}
	l, err := tarball.LayerFromFile(path)
	require.NoError(t, err)
	return l
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func push(t *testing.T, registry string, layers ...v1.Layer) string {
	t.Helper()
	image, err := mutate.AppendLayers(empty.Image, layers...)
	require.NoError(t, err)
	config, err := image.ConfigFile()
	require.NoError(t, err)
	config.OS, config.Architecture = "linux", "amd64"
	image, err = mutate.ConfigFile(image, config)
	require.NoError(t, err)
	ref, err := name.ParseReference(registry + "/bomb:test")
	require.NoError(t, err)
	require.NoError(t, remote.Write(ref, image))
	digest, err := image.Digest()
	require.NoError(t, err)
	return registry + "/bomb@" + digest.String()
}

// refused pulls an image in vain, and says how much of the disk was gone at most meanwhile, in MiB. Nothing of it stays.
func refused(t *testing.T, r *Runtime, image, says string) int64 {
	t.Helper()
	before := freeMiB(t, r)
	done := make(chan error)
	go func() { done <- r.Pull(t.Context(), image, nil) }()
	most := int64(0)
	for {
		select {
		case err := <-done:
			require.ErrorIs(t, err, runtime.ErrImage, "its tenant's to change")
			require.ErrorContains(t, err, says)
			_, err = r.engine.ImageInspect(t.Context(), image)
			require.Error(t, err)
			require.Eventually(t, func() bool { return before-freeMiB(t, r) < 64 }, patience, 50*time.Millisecond, "what had come is gone")
			return most
		case <-time.After(5 * time.Millisecond):
			most = max(most, before-freeMiB(t, r))
		}
	}
}

func TestImageThatUnpacksWithoutEndIsStopped(t *testing.T) {
	r := small(t)
	image := push(t, runtimetest.Registry(t), layerOf(t, 1, 2<<30)) // 9 MB on the way
	require.Less(t, refused(t, r, image, "unpacks to more than 16 MiB"), int64(1<<10), "of 2 GiB")
}

func TestImageThatUnpacksToTooMuchIsRemoved(t *testing.T) {
	r := small(t)
	refused(t, r, push(t, runtimetest.Registry(t), layerOf(t, 1, 17<<20)), "unpacks to 17 MiB; at most 16 are taken")
}

func TestImageWithTooManyFilesIsStopped(t *testing.T) {
	r := small(t)
	r.imageFiles = 1000
	refused(t, r, push(t, runtimetest.Registry(t), layerOf(t, 100_000, 0)), "more than 1000 files")
}

func TestImageWithTooManyLayersIsRefused(t *testing.T) {
	r := small(t)
	var layers []v1.Layer
	for n := range maxLayers + 1 {
		layers = append(layers, layerOf(t, 1, int64(n)))
	}
	refused(t, r, push(t, runtimetest.Registry(t), layers...), "more than 127 layers")
}

// A machine that is full by its leases' images, one after the other, is not full for the next lease.
func TestImagesThatNothingUsesMakeRoom(t *testing.T) {
	r, s := subject(t)
	require.NoError(t, r.Create(t.Context(), s))
	registry := runtimetest.Registry(t)
	old := push(t, registry, layerOf(t, 1, 1<<20))
	require.NoError(t, r.Pull(t.Context(), old, nil))
	big := push(t, registry, layerOf(t, 1, 1<<30))
	r.keepFreeMiB = 1 << 40
	err := r.Pull(t.Context(), big, nil)
	require.ErrorIs(t, err, errHostFull)
	require.NotErrorIs(t, err, runtime.ErrImage, "its provider's to solve, not its tenant's")
	_, err = r.engine.ImageInspect(t.Context(), old)
	require.Error(t, err, "it made room")
	_, err = r.engine.ImageInspect(t.Context(), s.Image)
	require.NoError(t, err, "an instance uses it")
	r.keepFreeMiB = 0
	require.NoError(t, r.Pull(t.Context(), old, nil))
}

// registryOf serves one image of one layer, of which the manifest says what it likes and the blob never ends.
func registryOf(t *testing.T, announced int64, length string) string {
	t.Helper()
	config := []byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:` + strings.Repeat("1", 64) + `"]}}`)
	layer := "sha256:" + strings.Repeat("2", 64)
	text := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",`+
		`"config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":%d,"digest":"sha256:%x"},`+
		`"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":%d,"digest":"%s"}]}`,
		len(config), sha256.Sum256(config), announced, layer)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch {
		case strings.Contains(req.URL.Path, "/manifests/"):
			w.Header().Set("Content-Type", "application/vnd.docker.distribution.manifest.v2+json")
			w.Header().Set("Docker-Content-Digest", fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))))
			_, _ = io.WriteString(w, text)
		case strings.HasSuffix(req.URL.Path, layer):
			if length != "" {
				w.Header().Set("Content-Length", length)
			}
			if req.Method == http.MethodGet {
				_, _ = io.CopyN(w, zeros{}, 4<<30) // until the engine hangs up
			}
		case strings.Contains(req.URL.Path, "/blobs/"):
			_, _ = w.Write(config)
		}
	}))
	t.Cleanup(server.Close)
	return fmt.Sprintf("%s/bomb@sha256:%x", strings.TrimPrefix(server.URL, "http://"), sha256.Sum256([]byte(text)))
}

func TestImageThatIsAnnouncedTooLargeIsRefused(t *testing.T) {
	r := small(t)
	require.Less(t, refused(t, r, registryOf(t, 1<<40, fmt.Sprint(1<<40)), "larger than 16 MiB together"), int64(1<<10))
}

func TestImageThatIsLongerThanAnnouncedIsStopped(t *testing.T) {
	r := small(t)
	require.Less(t, refused(t, r, registryOf(t, 1000, ""), "than"), int64(1<<10))
}
