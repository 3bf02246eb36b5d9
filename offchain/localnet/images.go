// SPDX-License-Identifier: Apache-2.0

package localnet

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// imageTime is the time of everything in an image: the same program gives the same digest.
var imageTime = time.Unix(0, 0).UTC()

// registryServer is a loopback OCI registry in memory. Engines take plain HTTP from 127.0.0.0/8 without being told to.
type registryServer struct {
	address string
	server  *http.Server
}

func startRegistry(port int) (*registryServer, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("start the image registry: %w", err)
	}
	silent := log.New(io.Discard, "", 0)
	r := &registryServer{address: l.Addr().String(), server: &http.Server{
		Handler: registry.New(registry.Logger(silent)), ErrorLog: silent, ReadHeaderTimeout: 10 * time.Second,
	}}
	go func() { _ = r.server.Serve(l) }() // ends with http.ErrServerClosed
	return r, nil
}

func (r *registryServer) stop(ctx context.Context) error {
	if r == nil {
		return nil
	}
	return r.server.Shutdown(ctx)
}

// push makes an image of one static program and returns its reference by digest; it has the tag v1, too.
func (r *registryServer) push(ctx context.Context, repository, program string, ports ...string) (string, error) {
	image, err := scratchImage(program, ports)
	if err != nil {
		return "", err
	}
	digest, err := image.Digest()
	if err != nil {
		return "", fmt.Errorf("image of %s: %w", program, err)
	}
	ref, err := name.NewDigest(r.address+"/"+repository+"@"+digest.String(), name.Insecure)
	if err != nil {
		return "", fmt.Errorf("image of %s: %w", program, err)
	}
	if err := remote.Write(ref, image, remote.WithContext(ctx)); err != nil {
		return "", fmt.Errorf("push %s: %w", ref, err)
	}
	// People name images by tags: the same one has the tag v1.
	if err := remote.Tag(ref.Context().Tag("v1"), image, remote.WithContext(ctx)); err != nil {
		return "", fmt.Errorf("tag %s: %w", ref, err)
	}
	return ref.String(), nil
}

// scratchImage puts a static program alone into an image, to be run as nobody.
func scratchImage(program string, ports []string) (v1.Image, error) {
	body, err := os.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("image: %w; build it with `make build`", err)
	}
	entry := "/" + filepath.Base(program)
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	head := &tar.Header{Name: entry[1:], Mode: 0o755, Size: int64(len(body)), ModTime: imageTime, Format: tar.FormatPAX}
	_, werr := 0, w.WriteHeader(head)
	if werr == nil {
		_, werr = w.Write(body)
	}
	if err := errors.Join(werr, w.Close()); err != nil {
		return nil, fmt.Errorf("image of %s: %w", program, err)
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer.Bytes())), nil })
	if err != nil {
		return nil, fmt.Errorf("image of %s: %w", program, err)
	}
	image, err := mutate.AppendLayers(empty.Image, l)
	if err != nil {
		return nil, fmt.Errorf("image of %s: %w", program, err)
	}
	config := &v1.ConfigFile{
		OS: "linux", Architecture: runtime.GOARCH, Created: v1.Time{Time: imageTime},
		Config: v1.Config{Entrypoint: []string{entry}, User: "65534:65534", WorkingDir: "/", ExposedPorts: map[string]struct{}{}},
		RootFS: v1.RootFS{Type: "layers"},
	}
	for _, p := range ports {
		config.Config.ExposedPorts[p] = struct{}{}
	}
	diff, err := l.DiffID()
	if err != nil {
		return nil, fmt.Errorf("image of %s: %w", program, err)
	}
	config.RootFS.DiffIDs = []v1.Hash{diff}
	return mutate.ConfigFile(image, config)
}
