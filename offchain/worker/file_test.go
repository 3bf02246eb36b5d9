// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	leasetypes "github.com/athnet/ath/x/leases/types"

	"github.com/athnet/ath/offchain/deploy"
	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
	"github.com/athnet/ath/offchain/worker/runtime/runtimetest"
)

// TestFileOnAnEngine takes an SDL file all the way into a real engine: images of a private registry, replicas that are reached by the
// name of their service and by their own, the order of dependencies, memory at /dev/shm, and a volume that outlives a pause.
func TestFileOnAnEngine(t *testing.T) {
	engine := runtimetest.Engine(t)
	open, private := runtimetest.PrivateRegistry(t, "me", "secret")
	runtimetest.SubjectImage(t, open)
	service := func(name, env, more string) string {
		return fmt.Sprintf("  %s:\n    image: %s/subject:test\n    credentials: {host: %s, username: me, password: secret}\n    env: [%s]\n%s", name, private, private, env, more)
	}
	resources := func(storage string) string {
		return "{resources: {cpu: {units: 0.1}, memory: {size: 32Mi}, storage: " + storage + "}}"
	}
	text := "version: \"2.0\"\nservices:\n" +
		service("db", "DO=serve", "    expose: [{port: 8080, to: [{service: ask}]}]\n") +
		// In order of names it would come first.
		service("ask", `DO=peers, "NAMES=db,db-2,db-3"`, "    depends_on: [db]\n    x-ath: {restart: never}\n") +
		service("keep", `DO=volume, STAY=1, "FILES=/keep,/dev/shm"`, "    params: {storage: {data: {mount: /keep}, shm: {mount: /dev/shm}}}\n    expose: [{port: 9, to: [{global: true}]}]\n") +
		"profiles:\n  compute:\n    small: " + resources("{size: 16Mi}") + "\n    large: " +
		resources("[{size: 16Mi}, {name: data, size: 8Mi, attributes: {persistent: true}}, {name: shm, size: 7Mi, attributes: {class: ram}}]") +
		"\n  placement:\n    here: {pricing: {small: {denom: uath, amount: 1}, large: {denom: uath, amount: 1}}}\n" +
		"deployment:\n  db: {here: {profile: small, count: 3}}\n  ask: {here: {profile: small, count: 1}}\n  keep: {here: {profile: large, count: 1}}\n"
	file, err := manifest.Parse("app.yaml", []byte(text))
	require.NoError(t, err)
	require.NoError(t, deploy.Pin(t.Context(), file, func(string) {}))
	for _, s := range file.Manifest.Services {
		require.True(t, strings.HasPrefix(s.Image, private+"/subject@sha256:"), s.Image)
	}

	n := newNursery(t, engine, file.Manifest)
	c := n.spawn()
	defer func() {
		_ = c.Process.Kill()
		_ = c.Wait() // says that it was killed
	}()
	at := func(service string) (runtime.Instance, bool) {
		all, err := n.runtime.List(t.Context())
		require.NoError(t, err)
		return find(all, runtime.Key{Lease: n.lease, Service: service})
	}
	running := func(service string) bool {
		i, ok := at(service)
		return ok && i.State == runtime.StateRunning
	}
	require.Eventually(t, func() bool { i, ok := at("ask"); return ok && i.Ended() && running("keep") }, 60*time.Second, 100*time.Millisecond, "%s", &n.stderr)
	out := func(service string) string {
		return runtimetest.Output(t, n.runtime, runtime.Key{Lease: n.lease, Service: service}, runtime.LogOptions{})
	}
	require.Contains(t, out("ask"), "db: 3 of 3 answer, <nil>\ndb-2: 1 of 1 answer, <nil>\ndb-3: 1 of 1 answer, <nil>\n")
	ask, _ := at("ask")
	for _, name := range []string{"db", "db-2", "db-3"} {
		i, _ := at(name)
		require.True(t, i.StartedAt.Before(ask.StartedAt), "%s comes before what depends on it", name)
	}
	require.Contains(t, out("keep"), "/keep: there: false, written: true")
	require.Contains(t, out("keep"), "/dev/shm: there: false, written: true, 7 MiB")

	moved := time.Now()
	n.chain.change(n.lease, func(l *leasetypes.Lease) {
		l.State, l.PausedAt = leasetypes.LeaseState_LEASE_STATE_PAUSED, &moved
	})
	require.Eventually(t, func() bool { return !running("keep") && !running("db-3") }, 60*time.Second, 100*time.Millisecond, "%s", &n.stderr)
	n.chain.change(n.lease, func(l *leasetypes.Lease) {
		l.State, l.PausedAt, l.BoundAt = leasetypes.LeaseState_LEASE_STATE_ACTIVE, nil, time.Now()
	})
	require.Eventually(t, func() bool { return running("keep") && running("db-3") }, 60*time.Second, 100*time.Millisecond, "%s", &n.stderr)
	require.Eventually(t, func() bool { return strings.Contains(out("keep"), "/keep: there: true, written: true") }, 20*time.Second, 100*time.Millisecond, "kept over the pause")
	require.Equal(t, 2, strings.Count(out("keep"), "/dev/shm: there: false"), "memory is not kept")
}

// TestPrivateImageNeedsItsPassword: without it, or with that of another registry, an image never comes and its tenant hears so.
func TestPrivateImageNeedsItsPassword(t *testing.T) {
	engine := runtimetest.Engine(t)
	open, private := runtimetest.PrivateRegistry(t, "me", "secret")
	image := strings.Replace(runtimetest.SubjectImage(t, open), open, private, 1)
	n := newNursery(t, engine, workload(service("web", image, manifest.RestartAlways)))
	for name, credentials := range map[string]*manifest.Credentials{
		"none":      nil,
		"wrong":     {Host: private, Username: "me", Password: "guess"},
		"another's": {Host: open, Username: "me", Password: "secret"},
	} {
		require.ErrorIs(t, n.runtime.Pull(t.Context(), image, credentials), runtime.ErrImage, name)
	}
	require.NoError(t, n.runtime.Pull(t.Context(), image, &manifest.Credentials{Host: private, Username: "me", Password: "secret"}))
}
