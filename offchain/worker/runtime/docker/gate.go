// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// gateFile is a file that an instance mounts through its gate.
type gateFile struct{ name, target, text string }

// gateFiles are what the engine would keep beside the lease's disk and let a workload write into without a limit, and one more: the engine
// goes on without files of names that are gone, but not without another. Names of services, its own included, are the embedded
// resolver's to know.
func gateFiles(service string) []gateFile {
	return []gateFile{
		{"hosts", "/etc/hosts", "127.0.0.1\tlocalhost\n"},
		{"hostname", "/etc/hostname", service + "\n"},
		{"resolv.conf", "/etc/resolv.conf", "nameserver 127.0.0.11\noptions ndots:0\n"},
		{"disk", "/.ath", ""},
	}
}

func (d *disks) writeGate(dir, service string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, file := range gateFiles(service) {
		path := filepath.Join(dir, file.name)
		if err := errors.Join(os.WriteFile(path, []byte(file.text), 0o644), os.Chown(path, d.uid, d.gid)); err != nil {
			return err
		}
	}
	return nil
}

// gate is the directory by which an instance mounts these files: a link to where they are. Once the instance has its layer, that is
// within the layer, so that without the layer's mount the engine finds no such file and does not start the instance.
func (d *disks) gate(slug, service string) string { return filepath.Join(d.dir, slug, "gate", service) }

// openGate lets an instance be made, which asks for the files before there is a layer.
func (d *disks) openGate(slug, service string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	gate, dir := d.gate(slug, service), filepath.Join(d.dir, slug, "tree", "volume", service+".etc")
	return gate, errors.Join(d.writeGate(dir, service), link(dir, gate))
}

// link makes a symbolic link in place of another.
func link(target, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	unfinished := path + ".new"
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errors.Join(os.Symlink(target, unfinished), os.Rename(unfinished, path))
}
