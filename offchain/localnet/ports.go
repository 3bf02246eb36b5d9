// SPDX-License-Identifier: Apache-2.0

package localnet

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// checkPorts says every port that is taken, by whom where that can be seen, and which entry changes it.
func (c *Config) checkPorts() error {
	ports := c.Ports.list()
	for i := 1; i < len(c.Checkers); i++ {
		ports = append(ports, port{"checkers", c.Ports.Checkers + i})
	}
	for i := range c.Worker.Machines {
		ports = append(ports, port{"worker", c.Ports.Worker + 2*(i+1)}, port{"worker_health", c.Ports.WorkerHealth + 2*(i+1)})
	}
	var taken []error
	for _, p := range ports {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.number)))
		if err == nil {
			err = l.Close()
		}
		if err != nil {
			taken = append(taken, fmt.Errorf("port %d is taken%s; end that program, or choose another under ports.%s in config.yml", p.number, holder(p.number), p.entry))
		}
	}
	return errors.Join(taken...)
}

// holder says which process listens on a port: " by name (process N)", or nothing where that can't be seen.
func holder(number int) string {
	inode := listeningInode(number)
	if inode == "" {
		return ""
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return ""
	}
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || target != "socket:["+inode+"]" {
			continue
		}
		pid := strings.Split(link, "/")[2]
		name, err := os.ReadFile("/proc/" + pid + "/comm")
		if err != nil {
			return " by process " + pid
		}
		return fmt.Sprintf(" by %s (process %s)", strings.TrimSpace(string(name)), pid)
	}
	return ""
}

// listeningInode finds the socket that listens on a TCP port.
func listeningInode(number int) string {
	const stateListen = "0A"
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			continue
		}
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			// sl local_address rem_address st … uid timeout inode
			fields := strings.Fields(s.Text())
			if len(fields) > 9 && fields[3] == stateListen && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", number)) {
				return fields[9]
			}
		}
	}
	return ""
}
