// SPDX-License-Identifier: Apache-2.0

package localnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/athnet/ath/offchain/chain"
)

// Network is a running network.
type Network struct {
	Config *Config
	// Root is the repository: where build/ and scripts/ are.
	Root string
	// Say gets a line about every step; may be nil.
	Say func(string)
	// PrivateEngine starts one even where another answers: for whoever kills it.
	PrivateEngine bool

	engine    engine
	registry  *registryServer
	addresses map[string]string
	images    map[string]string

	mu        sync.Mutex
	processes map[string]*process
	node      *chain.Client
}

// Names of the processes; Checkers are checker-1, checker-2, ….
const (
	Node    = "athd"
	WorkerP = "ath-worker"
	IndexP  = "ath-indexer"
)

// New prepares a network of a configuration; nothing is started.
func New(c *Config, root string) *Network {
	return &Network{Config: c, Root: root, addresses: map[string]string{}, images: map[string]string{}, processes: map[string]*process{}}
}

func (n *Network) say(format string, args ...any) {
	if n.Say != nil {
		n.Say(fmt.Sprintf(format, args...))
	}
}

func (n *Network) bin(name string) string { return filepath.Join(n.Root, "build", name) }

// Start brings everything up; after an error Stop has been called. It returns when every Container can be rented.
func (n *Network) Start(ctx context.Context) (err error) {
	if pid, running := Running(n.Config.Home); running {
		return fmt.Errorf("a local network already runs (process %d); stop it with Ctrl-C in its terminal, or `make clean`", pid)
	}
	if err := Clean(ctx, n.Config.Home); err != nil {
		return fmt.Errorf("end what the last run left behind: %w", err)
	}
	if err := n.Config.checkPorts(); err != nil {
		return err
	}
	if err := os.RemoveAll(n.Config.Home); err != nil {
		return fmt.Errorf("empty %s: %w", n.Config.Home, err)
	}
	for _, dir := range []string{"logs", "keys"} {
		if err := os.MkdirAll(filepath.Join(n.Config.Home, dir), 0o755); err != nil {
			return err
		}
	}
	defer func() {
		if err != nil {
			// The caller's context may be the reason; what was started has to go all the same.
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			err = errors.Join(err, n.Stop(stop))
		}
	}()
	if err := n.startEngine(ctx); err != nil {
		return err
	}
	if err := n.startImages(ctx); err != nil {
		return err
	}
	if err := n.startNode(ctx); err != nil {
		return err
	}
	if err := n.startDaemons(ctx); err != nil {
		return err
	}
	return n.awaitReady(ctx)
}

func (n *Network) startEngine(ctx context.Context) error {
	// Said before it is started: whoever cleans up must find it.
	if err := n.save(); err != nil {
		return err
	}
	var err error
	if n.engine, err = openEngine(ctx, n.Root, n.Config.Home, n.PrivateEngine); err != nil {
		return err
	}
	if n.engine.dir != "" {
		n.say("container engine: a private one in %s", n.engine.dir)
	} else {
		n.say("container engine: %s", n.engine.host)
	}
	return errors.Join(n.save(), n.engine.clear(ctx, n.Config.ChainID))
}

// Samples are the sample programs that the registry holds, with their ports.
var samples = map[string][]string{"web": {"8080/tcp"}, "batch": nil, "ticker": {"7000/tcp"}}

func (n *Network) startImages(ctx context.Context) error {
	var err error
	if n.registry, err = startRegistry(n.Config.Ports.Registry); err != nil {
		return err
	}
	for sample, ports := range samples {
		if n.images[sample], err = n.registry.push(ctx, "samples/"+sample, filepath.Join(n.Root, "build", "samples", sample), ports...); err != nil {
			return err
		}
	}
	n.say("image registry: %s, with %d sample images", n.registry.address, len(samples))
	return nil
}

func (n *Network) startNode(ctx context.Context) error {
	if err := n.makeChain(ctx); err != nil {
		return fmt.Errorf("make the chain: %w", err)
	}
	if err := n.launch(&process{name: Node, path: n.bin("athd"), args: n.nodeArgs(), env: n.nodeEnv()}); err != nil {
		return err
	}
	client, err := n.dial(ctx, 60*time.Second)
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.node = client
	n.mu.Unlock()
	head, err := client.Latest(ctx)
	if err != nil {
		return err
	}
	n.say("chain %s: block %d, one validator, blocks of %s", n.Config.ChainID, head.Height, n.Config.BlockTime)
	return nil
}

// dial waits for the node to answer and to have made a block, or to end.
func (n *Network) dial(ctx context.Context, patience time.Duration) (*chain.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p := n.process(Node)
	for {
		client, err := chain.Dial(ctx, chain.Config{GRPC: n.address(n.Config.Ports.GRPC), RPC: "http://" + n.address(n.Config.Ports.RPC), ChainID: n.Config.ChainID})
		if err == nil {
			if head, herr := client.Latest(ctx); herr == nil && head.Height > 0 {
				return client, nil
			}
			err = client.Close()
		}
		select {
		case <-p.ended():
			return nil, p.failure()
		case <-ctx.Done():
			return nil, fmt.Errorf("the node made no block within %s: %w; see %s", patience, errors.Join(err, ctx.Err()), p.log)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// launch starts a process and writes it down.
func (n *Network) launch(p *process) error {
	p.log = filepath.Join(n.Config.Home, "logs", p.name+".log")
	if err := p.start(); err != nil {
		return err
	}
	n.mu.Lock()
	n.processes[p.name] = p
	n.mu.Unlock()
	return n.save()
}

func (n *Network) process(name string) *process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.processes[name]
}

func (n *Network) save() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := state{Runner: newProc(os.Getpid()), Processes: map[string]proc{}, Engine: n.engine.dir, EngineScript: n.engine.script, DockerHost: n.engine.host, ChainID: n.Config.ChainID}
	for name, p := range n.processes {
		if pid := p.pid(); pid != 0 {
			s.Processes[name] = newProc(pid)
		}
	}
	return s.save(n.Config.Home)
}

// Stop ends everything in the reverse order of its start, with every container; nothing is left but the files in Home.
func (n *Network) Stop(ctx context.Context) error {
	var errs []error
	// The worker goes first among those that write, and its containers with it: nobody is left to serve.
	for _, name := range n.stopOrder() {
		errs = append(errs, n.process(name).stop())
	}
	n.mu.Lock()
	if n.node != nil {
		_ = n.node.Close() // its peer has gone
		n.node = nil
	}
	n.mu.Unlock()
	errs = append(errs, n.registry.stop(ctx), n.engine.clear(ctx, n.Config.ChainID), n.engine.stop(ctx))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := os.Remove(statePath(n.Config.Home)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (n *Network) stopOrder() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var first, last []string
	for name := range n.processes {
		if name == Node {
			last = append(last, name)
		} else {
			first = append(first, name)
		}
	}
	return append(first, last...)
}

// Failed returns the failure of a process that has ended by itself; nil while all run.
func (n *Network) Failed() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.processes {
		if p.pid() == 0 {
			return p.failure()
		}
	}
	return nil
}

// Chain is the connection to the node.
func (n *Network) Chain() *chain.Client {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.node
}

// Address of an account.
func (n *Network) Address(account string) string { return n.addresses[account] }

// Image is a sample's reference by digest.
func (n *Network) Image(sample string) string { return n.images[sample] }

// DockerHost is the address of the engine.
func (n *Network) DockerHost() string { return n.engine.host }

// Sender signs with an account's key.
func (n *Network) Sender(account string) (*chain.Sender, error) {
	key, _, err := n.Config.key(account)
	if err != nil {
		return nil, err
	}
	return chain.NewSender(n.Chain(), key, chain.SenderConfig{GasPrice: gasPrice})
}

// gasPrice is what the node asks for.
const gasPrice = "0.001uath"

// Env lets athd's commands find the network and a key without flags.
func (n *Network) Env(account string) []string {
	return []string{
		"ATHD_HOME=" + n.nodeHome(), "ATHD_FROM=" + account, "ATHD_KEYRING_BACKEND=test", "ATHD_CHAIN_ID=" + n.Config.ChainID,
		"ATHD_NODE=tcp://" + n.address(n.Config.Ports.RPC), "ATHD_GRPC_ADDR=" + n.address(n.Config.Ports.GRPC),
		"ATHD_GRPC_INSECURE=true", // on loopback there is no TLS
		"ATHD_GAS_PRICES=" + gasPrice, "ATHD_INDEXER=" + n.IndexerURL(),
	}
}

// Athd runs an athd command as an account and returns its stdout.
func (n *Network) Athd(ctx context.Context, account string, args ...string) (string, error) {
	return run(ctx, n.Env(account), n.bin("athd"), args...)
}

// IndexerURL is where the Indexer answers REST.
func (n *Network) IndexerURL() string { return "http://" + n.address(n.Config.Ports.Indexer) }

// WriteManifest puts a sample's SDL file, with its image filled in and texts replaced, into Home and returns its path.
func (n *Network) WriteManifest(sample, file string, replace ...string) (string, error) {
	b, err := os.ReadFile(filepath.Join(n.Root, "samples", sample+".yaml"))
	if err != nil {
		return "", fmt.Errorf("read the sample: %w", err)
	}
	text := strings.ReplaceAll(string(b), strings.ToUpper(sample)+"_IMAGE", n.Image(sample))
	text = strings.NewReplacer(replace...).Replace(text)
	path := filepath.Join(n.Config.Home, file)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return "", fmt.Errorf("write the sample: %w", err)
	}
	return path, nil
}

// Kill ends a process as a power cut would; Restart starts it again with the same arguments.
func (n *Network) Kill(name string) error { return n.process(name).kill() }

// StopProcess ends a process as its operator would.
func (n *Network) StopProcess(name string) error { return n.process(name).stop() }

// Restart starts a process that has ended; a node has answered before it returns.
func (n *Network) Restart(ctx context.Context, name string) error {
	p := n.process(name)
	if p == nil {
		return fmt.Errorf("there is no process %q", name)
	}
	if err := p.start(); err != nil {
		return err
	}
	if err := n.save(); err != nil || name != Node {
		return err
	}
	client, err := n.dial(ctx, 60*time.Second)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	old := n.node
	n.node = client
	return old.Close()
}

// Revive starts every process that has ended, the node first, and says which.
func (n *Network) Revive(ctx context.Context) (ended []string, err error) {
	order := n.stopOrder()
	slices.Reverse(order)
	for _, name := range order {
		if n.PID(name) != 0 {
			continue
		}
		ended = append(ended, name)
		if err := n.Restart(ctx, name); err != nil {
			return ended, fmt.Errorf("start %s again: %w", name, err)
		}
	}
	return ended, nil
}

// PID of a process; 0 when it does not run.
func (n *Network) PID(name string) int { return n.process(name).pid() }
