// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/athnet/ath/offchain/worker/hostname"

	providertypes "github.com/athnet/ath/x/providers/types"
)

// Config is what an operator decides; every field is a flag, a variable ATH_WORKER_… and a line of config.yaml.
type Config struct {
	Home string

	GRPC     string `name:"grpc" default:"127.0.0.1:9090" usage:"gRPC address of a node, host:port"`
	RPC      string `name:"rpc" default:"http://127.0.0.1:26657" usage:"CometBFT RPC address of the same node"`
	ChainID  string `name:"chain-id" usage:"chain-id that the node must have; any where empty"`
	GasPrice string `name:"gas-price" default:"0.001uath" usage:"what a unit of gas is paid with; nothing where empty"`

	Owner         string `name:"owner" usage:"address of the provider's owner; the operator key's own where empty"`
	Tier          string `name:"tier" default:"edge" usage:"tier of a provider that registers: edge or enterprise"`
	Country       string `name:"country" default:"XX" usage:"country of a provider that registers, ISO 3166-1 alpha-2"`
	Contact       string `name:"contact" usage:"how to reach a person"`
	Class         string `name:"class" default:"auto" usage:"class of the catalogue to register as; auto takes the one that fits the devices, or cpu"`
	Region        string `name:"region" default:"local" usage:"region label, such as eu-de-fra"`
	Windows       string `name:"windows" usage:"times of the week (UTC) in which the machine may be leased, such as \"Mon-Fri 20:00-06:00, Sat,Sun 00:00-24:00\", or always; as on chain where empty"`
	Endpoint      string `name:"endpoint" default:"127.0.0.1:7443" usage:"host:port at which the gateway is reached from outside"`
	Listen        string `name:"listen" default:"0.0.0.0:7443" usage:"address of the gateway (TLS) for tenants and Checkers"`
	Local         string `name:"local" default:"127.0.0.1:7480" usage:"address of /metrics and /healthz, for this machine only"`
	Ingress       string `name:"ingress" usage:"address of the ingress (TLS), by which workloads are reached under host names, such as 0.0.0.0:443; none where empty"`
	IngressHTTP   string `name:"ingress-http" usage:"address of the ingress without TLS, such as 0.0.0.0:80; none where empty"`
	IngressDomain string `name:"ingress-domain" usage:"domain whose names below it, all of them (*.domain), lead to the ingress"`
	IngressPort   uint64 `name:"ingress-port" usage:"port at which the ingress is reached from outside; that of --ingress where 0"`
	IngressCert   string `name:"ingress-cert" usage:"certificate for *.domain in PEM, read again when it changes; the worker key vouches for names where empty"`
	IngressKey    string `name:"ingress-key" usage:"key of --ingress-cert in PEM"`
	Resolver      string `name:"ingress-resolver" usage:"DNS resolver, host:port, that is asked whether tenants own their host names; the machine's own where empty"`
	CPUMilli      uint64 `name:"cpu-milli" usage:"CPU to offer in thousandths of a core; all but half a core where 0"`
	MemoryMiB     uint64 `name:"memory-mib" usage:"memory to offer in MiB; three quarters where 0"`
	DiskMiB       uint64 `name:"disk-mib" usage:"disk to offer in MiB; half of what is free where 0"`
	NetworkMbps   uint64 `name:"network-mbps" usage:"bandwidth to announce in Mbit/s, of which workloads share nine tenths; unknown and not limited where 0"`
	Ports         string `name:"ports" default:"30000-30999" usage:"host ports to publish workloads on, low-high"`
	PublishIP     string `name:"publish-ip" usage:"address to publish workloads on; all where empty"`
	DockerHost    string `name:"docker-host" usage:"container engine, such as unix:///var/run/docker.sock; DOCKER_HOST where empty"`
	EngineRestart string `name:"engine-restart" usage:"command that restarts the container engine, such as \"systemctl restart docker\", for when it has lost a workload that runs; only told where empty"`
	Egress        string `name:"egress" default:"guard" usage:"a workload's way to this machine and private networks: guard (block if possible), require, or off"`
	DiskLimit     string `name:"disk-limit" default:"guard" usage:"a lease's storage as a file system of its own: guard (where possible), require, or off"`
	ImageMiB      uint64 `name:"image-mib" usage:"what an image may take in MiB, downloaded and unpacked each; 64 GiB where 0"`
	PidsLimit     int64  `name:"pids-limit" default:"1024" usage:"most processes of one service"`
	EarlyPull     bool   `name:"early-pull" usage:"fetch images as soon as a manifest comes, before its lease does"`
	MaxManifests  int    `name:"max-manifests" default:"32" usage:"manifests that are kept for two minutes without a lease"`

	UsageInterval  time.Duration `name:"usage-interval" default:"10m" usage:"time between usage records of a lease"`
	SettleInterval time.Duration `name:"settle-interval" default:"1h" usage:"time between settlements of a lease"`
	ManifestWait   time.Duration `name:"manifest-wait" default:"5m" usage:"how long a lease may wait for its manifest"`
	StartWait      time.Duration `name:"start-wait" default:"8m" usage:"how long a lease may wait for its images"`
	StopGrace      time.Duration `name:"stop-grace" default:"10s" usage:"time that a service has to end after its lease has"`
	LogMiB         uint64        `name:"log-mib" default:"32" usage:"output that is kept of one service in MiB; the oldest is dropped, and readers are told"`
	LogRetention   time.Duration `name:"log-retention" default:"24h" usage:"how long a closed lease's output is kept"`
	Resync         time.Duration `name:"resync" default:"30s" usage:"time between full looks at the chain; blocks tell what happens between"`
}

// Validate names the first setting that can't work.
func (c Config) Validate() error {
	if _, _, err := c.portRange(); err != nil {
		return err
	}
	if _, err := c.windows(nil); err != nil {
		return err
	}
	if c.PublishIP != "" {
		if _, err := netip.ParseAddr(c.PublishIP); err != nil {
			return fmt.Errorf("publish-ip %q: want an address of this machine, or nothing", c.PublishIP)
		}
	}
	if err := c.checkIngress(); err != nil {
		return err
	}
	for name, d := range map[string]time.Duration{
		"usage-interval": c.UsageInterval, "settle-interval": c.SettleInterval, "manifest-wait": c.ManifestWait,
		"start-wait": c.StartWait, "resync": c.Resync,
	} {
		if d < time.Second {
			return fmt.Errorf("%s: %s is less than 1s", name, d)
		}
	}
	if c.PidsLimit < 1 || c.MaxManifests < 1 || c.StopGrace < 0 || c.LogRetention < 0 {
		return fmt.Errorf("pids-limit and max-manifests must be at least 1, stop-grace and log-retention not negative")
	}
	return nil
}

// checkIngress names the first setting of the ingress that can't work.
func (c Config) checkIngress() error {
	if c.Ingress == "" {
		if c.IngressHTTP != "" || c.IngressDomain != "" || c.IngressCert != "" {
			return errors.New("ingress: want an address, such as 0.0.0.0:443, beside the other settings of the ingress")
		}
		return nil
	}
	for name, address := range map[string]string{"ingress": c.Ingress, "ingress-http": c.IngressHTTP, "ingress-resolver": c.Resolver} {
		if _, _, err := net.SplitHostPort(address); err != nil && address != "" {
			return fmt.Errorf("%s %q: want host:port", name, address)
		}
	}
	if name, err := hostname.Wanted(c.IngressDomain); err != nil || name != c.IngressDomain || strings.HasPrefix(name, "*.") {
		return fmt.Errorf("ingress-domain %q: want a domain in small letters, such as apps.example.org, whose names (*.apps.example.org) lead here", c.IngressDomain)
	}
	if (c.IngressCert == "") != (c.IngressKey == "") {
		return errors.New("ingress-cert and ingress-key: want both or none")
	}
	if c.IngressPort > 65535 {
		return fmt.Errorf("ingress-port %d: want 1 to 65535, or 0", c.IngressPort)
	}
	return nil
}

// windows are those that the operator wants, or those on chain where nothing was said.
func (c Config) windows(onChain []providertypes.Window) ([]providertypes.Window, error) {
	if c.Windows == "" {
		return onChain, nil
	}
	return providertypes.ParseWindows(c.Windows)
}

func (c Config) portRange() (low, high int, err error) {
	a, b, ok := strings.Cut(c.Ports, "-")
	low, err1 := strconv.Atoi(a)
	high, err2 := strconv.Atoi(b)
	if !ok || err1 != nil || err2 != nil || low < 1 || high > 65535 || low > high {
		return 0, 0, fmt.Errorf("ports %q: want low-high, such as 30000-30999", c.Ports)
	}
	return low, high, nil
}
