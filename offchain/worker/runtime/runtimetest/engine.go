// SPDX-License-Identifier: Apache-2.0

package runtimetest

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/require"
)

// EnvDocker turns tests against a real engine on; they take tens of seconds.
const EnvDocker = "ATH_DOCKER"

var engine struct {
	once sync.Once
	host string
	dir  string
	err  error
}

// Main runs a package's tests and ends the engine that they started, if any.
func Main(m *testing.M) { os.Exit(Stop(m.Run())) }

// Stop ends the engine that tests started, if any, and returns the exit code of the tests with that taken in.
func Stop(code int) int {
	if engine.dir == "" {
		return code
	}
	if out, err := dockerd("stop"); err != nil {
		fmt.Fprintf(os.Stderr, "stop engine: %v: %s\n", err, out)
		code = 1
	}
	_ = os.RemoveAll(engine.dir) // what is left there is the engine's log
	return code
}

// Engine returns the address of a Docker engine: the environment's (DOCKER_HOST), or a private one that lives as long as the
// package's tests. Without ATH_DOCKER the test is skipped.
func Engine(t testing.TB) string {
	t.Helper()
	if os.Getenv(EnvDocker) == "" {
		t.Skipf("set %s=1 to test against a real container engine", EnvDocker)
	}
	engine.once.Do(func() {
		if engine.host = os.Getenv("DOCKER_HOST"); engine.host != "" {
			return
		}
		if engine.dir, engine.err = os.MkdirTemp("/tmp", "ath"); engine.err != nil { // short: a socket's path has 107 bytes
			return
		}
		var out []byte
		if out, engine.err = dockerd("start"); engine.err != nil {
			engine.err = fmt.Errorf("%w: %s", engine.err, out)
			return
		}
		engine.host = strings.TrimPrefix(strings.TrimSpace(string(out)), "DOCKER_HOST=")
	})
	require.NoError(t, engine.err)
	return engine.host
}

// KillEngine kills the private engine with all its memory and starts it again; a test on an engine that is not ours is skipped.
func KillEngine(t testing.TB) {
	t.Helper()
	if engine.dir == "" {
		t.Skip("the engine of DOCKER_HOST is not killed")
	}
	b, err := os.ReadFile(filepath.Join(engine.dir, "dockerd.pid"))
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	require.Eventually(t, func() bool { return syscall.Kill(pid, 0) != nil }, patience, 20*time.Millisecond)
	out, err := dockerd("start")
	require.NoError(t, err, string(out))
}

func dockerd(verb string) ([]byte, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	return exec.Command(filepath.Join(root, "scripts", "dockerd.sh"), verb, engine.dir).CombinedOutput()
}

func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	return strings.TrimSpace(string(out)), err
}

// Loops are the files below a directory that loop devices stand on.
func Loops(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	devices, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	require.NoError(t, err)
	for _, path := range devices {
		b, err := os.ReadFile(path)
		if err == nil && strings.HasPrefix(string(b), dir) { // one that was released meanwhile is gone
			out = append(out, strings.TrimSpace(string(b)))
		}
	}
	return out
}

var subject struct {
	once    sync.Once
	program []byte
	err     error
}

// buildSubject compiles the test program, once per package.
func buildSubject() ([]byte, error) {
	subject.once.Do(func() {
		dir, err := os.MkdirTemp("", "subject")
		if err != nil {
			subject.err = err
			return
		}
		defer os.RemoveAll(dir)
		binary := filepath.Join(dir, "subject")
		build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", binary, "github.com/athnet/ath/offchain/worker/runtime/runtimetest/subject")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			subject.err = fmt.Errorf("%w: %s", err, out)
			return
		}
		subject.program, subject.err = os.ReadFile(binary)
	})
	return subject.program, subject.err
}

// SubjectProgram writes the test program to a file of this machine.
func SubjectProgram(t testing.TB, path string) {
	t.Helper()
	program, err := buildSubject()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, program, 0o700))
}

// Registry serves an OCI registry on loopback, from which an engine pulls without any setting, and returns its host:port.
func Registry(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// PrivateRegistry serves one registry twice: open, to push to, and for those who know a name and a password.
func PrivateRegistry(t testing.TB, username, password string) (open, private string) {
	t.Helper()
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	anyone := httptest.NewServer(images)
	t.Cleanup(anyone.Close)
	members := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if name, secret, ok := req.BasicAuth(); !ok || name != username || secret != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`, http.StatusUnauthorized)
			return
		}
		images.ServeHTTP(w, req)
	}))
	t.Cleanup(members.Close)
	return strings.TrimPrefix(anyone.URL, "http://"), strings.TrimPrefix(members.URL, "http://")
}

// SubjectImage builds the test program into an image that declares volumes, pushes it and returns its reference by digest.
func SubjectImage(t testing.TB, registry string, volumes ...string) string {
	t.Helper()
	return SubjectImageAs(t, registry, "", volumes...)
}

// ShellImage is that image with this machine's /bin/sh, and nothing else that a shell could start.
func ShellImage(t testing.TB, registry string) string {
	t.Helper()
	files := []string{"/bin/sh"}
	needs, err := exec.Command("ldd", files[0]).Output()
	require.NoError(t, err)
	for _, word := range strings.Fields(string(needs)) {
		if strings.HasPrefix(word, "/") {
			files = append(files, word)
		}
	}
	return subjectImage(t, registry, "", files)
}

// SubjectImageAs is that image for a user; it has no list of users.
func SubjectImageAs(t testing.TB, registry, user string, volumes ...string) string {
	t.Helper()
	return subjectImage(t, registry, user, nil, volumes...)
}

// subjectImage has files of this machine besides.
func subjectImage(t testing.TB, registry, user string, files []string, volumes ...string) string {
	t.Helper()
	declared := map[string]struct{}{}
	for _, path := range volumes {
		declared[path] = struct{}{}
	}
	program, err := buildSubject()
	require.NoError(t, err)

	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777, ModTime: time.Unix(0, 0)}))
	add := func(name string, content []byte) {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(content)), ModTime: time.Unix(0, 0)}))
		_, err := w.Write(content)
		require.NoError(t, err)
	}
	add("subject", program)
	for _, path := range files {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		add(strings.TrimPrefix(path, "/"), content)
	}
	require.NoError(t, w.Close())
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer.Bytes())), nil })
	require.NoError(t, err)
	image, err := mutate.AppendLayers(empty.Image, l)
	require.NoError(t, err)
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{
		OS: "linux", Architecture: goruntime.GOARCH, Config: v1.Config{Entrypoint: []string{"/subject"}, Volumes: declared, User: user},
		RootFS: v1.RootFS{Type: "layers", DiffIDs: diffIDs(t, image)},
	})
	require.NoError(t, err)
	ref, err := name.ParseReference(registry + "/subject:test")
	require.NoError(t, err)
	require.NoError(t, remote.Write(ref, image))
	digest, err := image.Digest()
	require.NoError(t, err)
	return registry + "/subject@" + digest.String()
}

func diffIDs(t testing.TB, image v1.Image) []v1.Hash {
	t.Helper()
	config, err := image.ConfigFile()
	require.NoError(t, err)
	return config.RootFS.DiffIDs
}
