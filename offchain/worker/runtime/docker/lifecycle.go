// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
)

const (
	// A workload's log may fill this much disk, out of its lease's storage: oldest lines go first.
	logMaxMiB, logMaxFiles, logMinKiB = 10, 3, 64
	// cpuShares of a service where processors are short; the machine's own programs have 1024, and within its quota a service
	// of an idle machine gets all that it rented.
	cpuShares = 64
	// oomScore of workloads; the machine's own programs have 0 or less.
	oomScore = 500
	// maxVolumes is how many volumes an image may declare.
	maxVolumes = 32
	// tmpfsSize of /tmp where the root file system is read-only; counts as the service's memory.
	tmpfsSize = "64m"
)

// capabilities are what common images need to start as root and give it up: of the engine's default set without raw sockets,
// device nodes, chroot and audit.
var capabilities = []string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID", "SETPCAP", "SETFCAP"}

// Create implements runtime.Lifecycle.
func (r *Runtime) Create(ctx context.Context, spec runtime.Spec) error {
	if err := spec.Validate(); err != nil {
		return err
	}
	r.create.Lock()
	defer r.create.Unlock()
	if err := r.adopt(ctx, spec); !errors.Is(err, runtime.ErrNotFound) {
		return err
	}
	net, err := r.ensureNetwork(ctx, spec.Lease)
	if err != nil {
		return err
	}
	config, host, err := r.translate(spec, net)
	if err != nil {
		return err
	}
	if r.disks.active() {
		tree, err := r.disks.make(ctx, r.slug(spec.Lease), diskMiB(spec.Disk))
		if err != nil {
			return err
		}
		if host.Mounts, err = r.volumes(ctx, spec, tree); err != nil {
			return fullDisk(spec.Service, err)
		}
		own, err := r.tenantVolumes(spec, tree)
		if err != nil {
			return fullDisk(spec.Service, err)
		}
		host.Mounts = append(host.Mounts, own...)
		gate, err := r.disks.openGate(r.slug(spec.Lease), spec.Service)
		if err != nil {
			return fullDisk(spec.Service, err)
		}
		for _, file := range gateFiles(spec.Service) {
			host.Mounts = append(host.Mounts, mount.Mount{Type: mount.TypeBind, Source: filepath.Join(gate, file.name), Target: file.target})
		}
		config.Labels[labelDisk] = "1"
	} else if host.Mounts, err = r.tenantVolumes(spec, ""); err != nil {
		return err
	}
	aliases := []string{spec.Service}
	if spec.Alias != "" {
		aliases = append(aliases, spec.Alias)
	}
	_, err = r.engine.ContainerCreate(ctx, client.ContainerCreateOptions{
		Name: r.name(spec.Key), Config: config, HostConfig: host,
		NetworkingConfig: &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
			net: {Aliases: aliases},
		}},
	})
	switch {
	case err == nil:
		return nil
	case cerrdefs.IsConflict(err):
		return r.adopt(ctx, spec)
	case cerrdefs.IsNotFound(err):
		return fmt.Errorf("docker create: image %s has gone from the engine: %w", spec.Image, err)
	case strings.Contains(err.Error(), "Duplicate mount point"): // a volume where this worker mounts something
		return fmt.Errorf("%w: create %s: %w; mount its volumes elsewhere", runtime.ErrImage, spec.Service, err)
	default:
		return r.fail("create", err)
	}
}

// adopt accepts an instance that an earlier Create left behind.
func (r *Runtime) adopt(ctx context.Context, spec runtime.Spec) error {
	have, err := r.find(ctx, spec.Key)
	if err != nil {
		return err
	}
	if i := instanceOf(have); i.Key != spec.Key || i.Definition != spec.Definition {
		return fmt.Errorf("%w: %s has %s, want %s", runtime.ErrConflict, r.name(spec.Key), i.Definition, spec.Definition)
	}
	return nil
}

func (r *Runtime) networkOf(lease string) string { return "ath-" + r.slug(lease) }

// ensureNetwork returns the name of the lease's own bridge, with the machine and private networks out of its reach.
func (r *Runtime) ensureNetwork(ctx context.Context, lease string) (string, error) {
	name, bridge := r.networkOf(lease), "ath"+r.slug(lease)
	free, err := r.egress.hold()
	if err != nil {
		return "", err
	}
	defer free()
	found, err := r.engine.NetworkList(ctx, client.NetworkListOptions{Filters: r.mine(lease)})
	if err != nil {
		return "", r.fail("list networks", err)
	}
	if len(found.Items) == 0 {
		_, err = r.engine.NetworkCreate(ctx, name, client.NetworkCreateOptions{
			Driver: "bridge", Labels: r.labels(lease), Options: map[string]string{"com.docker.network.bridge.name": bridge},
		})
		if err != nil {
			return "", r.fail("create network", err)
		}
	}
	return name, r.egress.guard(ctx)
}

// translate writes a Spec in the engine's words. It is the whole of a workload's isolation.
func (r *Runtime) translate(spec runtime.Spec, net string) (*container.Config, *container.HostConfig, error) {
	labels := r.labels(spec.Lease)
	labels[labelService], labels[labelManifest], labels[labelDefined] = spec.Service, spec.ManifestHash, spec.Definition
	labels[labelContainer], labels[labelRestart] = strconv.FormatUint(spec.Container, 10), string(spec.Restart)
	exposed, bindings, err := r.ports(spec.Ports)
	if err != nil {
		return nil, nil, err
	}
	memory := int64(spec.MemoryMiB) << 20
	config := &container.Config{
		Image: spec.Image, Entrypoint: spec.Command, Cmd: spec.Args, Env: spec.Env, Hostname: spec.Service,
		Labels: labels, ExposedPorts: exposed,
	}
	host := &container.HostConfig{
		NetworkMode:    container.NetworkMode(net),
		PortBindings:   bindings,
		RestartPolicy:  container.RestartPolicy{Name: restartMode(spec.Restart)},
		ReadonlyRootfs: spec.ReadOnly,
		CapDrop:        []string{"ALL"},
		CapAdd:         capabilities,
		SecurityOpt:    []string{"no-new-privileges:true"},
		LogConfig: container.LogConfig{Type: "json-file", Config: map[string]string{
			"max-size": fmt.Sprintf("%dk", logKiB(spec.Disk.ServiceMiB)), "max-file": strconv.Itoa(logMaxFiles),
		}},
		IpcMode:      "private",
		CgroupnsMode: "private",
		OomScoreAdj:  oomScore, // where memory ends, workloads end first
		Resources: container.Resources{
			NanoCPUs: int64(spec.CPUMilli) * 1_000_000,
			Memory:   memory, MemorySwap: memory, // equal: no swap
			PidsLimit: &spec.Pids,
			CPUShares: cpuShares,
			// 1 and not 0: with 1 the kernel also starts no program of the machine's that would take the picture.
			Ulimits: []*container.Ulimit{{Name: "core", Soft: 1, Hard: 1}},
		},
	}
	if spec.ReadOnly {
		host.Tmpfs = map[string]string{"/tmp": "rw,nosuid,nodev,size=" + tmpfsSize}
	}
	for _, v := range spec.Volumes {
		if v.Class != manifest.ClassRAM {
			continue
		}
		if v.Mount == "/dev/shm" && !v.ReadOnly {
			host.ShmSize = int64(v.SizeMiB) << 20
			continue
		}
		if host.Tmpfs == nil {
			host.Tmpfs = map[string]string{}
		}
		mode := "rw"
		if v.ReadOnly {
			mode = "ro"
		}
		// What is written counts as the service's memory.
		host.Tmpfs[v.Mount] = fmt.Sprintf("%s,exec,nosuid,nodev,mode=1777,size=%dm", mode, v.SizeMiB)
	}
	for _, v := range spec.Volumes {
		if v.Class == manifest.ClassDisk {
			delete(host.Tmpfs, v.Mount)
		}
	}
	if len(spec.GPUs) > 0 {
		host.DeviceRequests = []container.DeviceRequest{{
			Driver: "nvidia", DeviceIDs: spec.GPUs, Capabilities: [][]string{{"gpu", "compute", "utility"}},
		}}
	}
	return config, host, nil
}

// restartMode leaves restarts to the engine, which goes on while the worker is down. "unless-stopped" holds a Stop across
// a restart of the engine, which "always" does not.
func restartMode(policy manifest.Restart) container.RestartPolicyMode {
	switch policy {
	case manifest.RestartNever:
		return container.RestartPolicyDisabled
	case manifest.RestartOnFailure:
		return container.RestartPolicyOnFailure
	default:
		return container.RestartPolicyUnlessStopped
	}
}

func (r *Runtime) ports(ports []runtime.Port) (network.PortSet, network.PortMap, error) {
	if len(ports) == 0 {
		return nil, nil, nil
	}
	ip := netip.IPv4Unspecified()
	if r.config.PublishIP != "" {
		var err error
		if ip, err = netip.ParseAddr(r.config.PublishIP); err != nil {
			return nil, nil, fmt.Errorf("publish address: %w", err)
		}
	}
	exposed, bindings := network.PortSet{}, network.PortMap{}
	for _, p := range ports {
		port, err := network.ParsePort(fmt.Sprintf("%d/%s", p.Port, p.Proto))
		if err != nil {
			return nil, nil, fmt.Errorf("port %d/%s: %w", p.Port, p.Proto, err)
		}
		exposed[port] = struct{}{}
		bindings[port] = append(bindings[port], network.PortBinding{HostIP: ip, HostPort: strconv.Itoa(int(p.Host))})
	}
	return exposed, bindings, nil
}

// keptVolume begins the name of a directory that outlives its instance.
const keptVolume = "keep-"

// fresh makes a directory of a workload's root where there is none. Afterwards it is the workload's to give away.
func (r *Runtime) fresh(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	unfinished := dir + ".new"
	return errors.Join(os.MkdirAll(unfinished, 0o755), os.Chown(unfinished, r.disks.uid, r.disks.gid), os.Rename(unfinished, dir))
}

// settle puts an instance that does not run onto its lease's disk: new, or after a reboot, which took the mounts.
func (r *Runtime) settle(ctx context.Context, key runtime.Key) error {
	c, err := r.find(ctx, key)
	if err != nil || c.Config.Labels[labelDisk] == "" || c.State.Running || c.State.Restarting {
		return err
	}
	if !r.disks.active() {
		return fmt.Errorf("disk of lease %s can't be mounted: %w", key.Lease, r.disks.why)
	}
	if c.GraphDriver == nil {
		return fmt.Errorf("disk of service %s: the engine does not say where its layer is; its storage driver must stay %s while leases run", key.Service, overlay)
	}
	if _, err := r.disks.make(ctx, r.slug(key.Lease), 0); err != nil {
		return err
	}
	return fullDisk(key.Service, r.disks.takeRoot(ctx, r.slug(key.Lease), key.Service, c.GraphDriver.Data["UpperDir"]))
}

// Start implements runtime.Lifecycle.
func (r *Runtime) Start(ctx context.Context, key runtime.Key) error {
	if err := r.settle(ctx, key); err != nil {
		return err
	}
	if err := r.egress.guard(ctx); err != nil { // since Create something may have flushed the rules
		return err
	}
	_, err := r.engine.ContainerStart(ctx, r.name(key), client.ContainerStartOptions{})
	if err == nil {
		return nil
	}
	text := strings.ToLower(err.Error())
	switch {
	case strings.Contains(text, "port is already allocated"), strings.Contains(text, "address already in use"):
		return fmt.Errorf("docker start: %w: %w", runtime.ErrPortTaken, err)
	case strings.Contains(text, "executable file not found"), strings.Contains(text, "no such file or directory: unknown"),
		strings.Contains(text, "exec format error"), strings.Contains(text, "starting container process caused"),
		strings.Contains(text, "no command specified"):
		return fmt.Errorf("%w: start %s: %w", runtime.ErrImage, key.Service, err)
	default:
		return r.fail("start", err)
	}
}

// Stop implements runtime.Lifecycle.
func (r *Runtime) Stop(ctx context.Context, lease string, grace time.Duration) error {
	found, err := r.engine.ContainerList(ctx, client.ContainerListOptions{Filters: r.mine(lease)}) // only those that live
	if err != nil {
		return r.fail("list", err)
	}
	seconds := int(grace / time.Second)
	group, ctx := errgroup.WithContext(ctx)
	for _, item := range found.Items {
		group.Go(func() error {
			_, err := r.engine.ContainerStop(ctx, item.ID, client.ContainerStopOptions{Timeout: &seconds})
			if cerrdefs.IsNotFound(err) || cerrdefs.IsNotModified(err) {
				return nil
			}
			return r.fail("stop", err)
		})
	}
	return group.Wait()
}

// Remove implements runtime.Lifecycle.
func (r *Runtime) Remove(ctx context.Context, lease string) error {
	found, err := r.engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: r.mine(lease)})
	if err != nil {
		return r.fail("list", err)
	}
	for _, item := range found.Items {
		_, err := r.engine.ContainerRemove(ctx, item.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		if err != nil && !cerrdefs.IsNotFound(err) {
			return r.fail("remove", err)
		}
	}
	volumes, err := r.engine.VolumeList(ctx, client.VolumeListOptions{Filters: r.mine(lease)})
	if err != nil {
		return r.fail("list volumes", err)
	}
	for _, v := range volumes.Items {
		if _, err := r.engine.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{}); err != nil && !cerrdefs.IsNotFound(err) {
			return r.fail("remove volume", err)
		}
	}
	if r.disks.active() {
		if err := r.disks.remove(r.slug(lease)); err != nil {
			return err
		}
	}
	networks, err := r.engine.NetworkList(ctx, client.NetworkListOptions{Filters: r.mine(lease)})
	if err != nil {
		return r.fail("list networks", err)
	}
	for _, n := range networks.Items {
		if _, err := r.engine.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{}); err != nil && !cerrdefs.IsNotFound(err) {
			return r.fail("remove network", err)
		}
	}
	return nil
}
