// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxExpose bounds the ports of one service, maxName its name, maxHost is the longest host name of DNS.
const (
	maxExpose = 64
	maxName   = 63
	maxHost   = 253
)

var (
	serviceName = regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`)
	envName     = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
	hostName    = regexp.MustCompile(`^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
)

const serviceKeys = "image, command, args, env, expose, depends_on, dependencies, params, credentials, x-ath"

// service reads what a service runs.
func (s *sdl) service(name string) Service {
	v := s.services[name]
	if !serviceName.MatchString(name) || len(name) > maxName {
		v.errorf("expected a name of 1 to %d letters a-z, digits and dashes that begins with a letter, found %q", maxName, name)
	}
	svc := Service{Name: name, Restart: RestartAlways}
	hasImage, credentials := false, (*value)(nil)
	for _, e := range v.entries() {
		switch e.key {
		case "image":
			hasImage = true
			svc.Image = e.value.image()
		case "command":
			svc.Command = e.value.texts("a word of the command")
			s.said[name] = append(s.said[name], e.value.items()...)
		case "args":
			svc.Args = e.value.texts("an argument")
			s.said[name] = append(s.said[name], e.value.items()...)
		case "env":
			svc.Env = e.value.environment()
			s.said[name] = append(s.said[name], e.value.items()...)
		case "expose":
			svc.Expose = s.expose(name, e.value)
		case "depends_on", "dependencies":
			svc.DependsOn = e.value.dependencies()
		case "params":
			s.params[name] = s.serviceParams(name, e.value)
		case "credentials":
			if !e.value.null() {
				credentials = &e.value
			}
		case "x-ath":
			s.ours = true
			e.value.extension(&svc)
		default:
			e.unknown(serviceKeys)
		}
	}
	if credentials != nil {
		svc.Credentials = credentials.credentials(s.tees[name])
	}
	for _, text := range s.said[name] {
		s.foreign(text, svc.Env)
	}
	if svc.Credentials != nil && !svc.Credentials.For(svc.Image) {
		v.warnf("the credentials are of %s and not used for %s; name the host of its registry", svc.Credentials.Host, svc.Image)
	}
	if !hasImage {
		v.errorf("image is missing; expected an image such as docker.io/library/nginx:1.27, or better nginx@sha256:<64 hex digits>")
	}
	return svc.expanded()
}

func (v value) environment() []string {
	var out []string
	for _, item := range v.items() {
		kv, ok := item.text("KEY=value")
		if !ok {
			continue
		}
		key, val, _ := strings.Cut(kv, "=")
		if !envName.MatchString(key) || key[0] >= '0' && key[0] <= '9' || key == "." || strings.HasPrefix(key, "..") || strings.ContainsRune(val, 0) {
			item.errorf("expected KEY=value, found %q", kv)
			continue
		}
		out = append(out, key+"="+val)
	}
	return out
}

// dependencies reads a list of names or of {service: name}, and what others write: {name: {condition: …}}.
func (v value) dependencies() []string {
	n := v.resolve()
	if n == nil {
		return nil
	}
	var out []string
	add := func(name string) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	if n.Kind == yaml.MappingNode {
		for _, e := range v.entries() {
			if !e.value.null() {
				e.value.warnf("conditions are ignored; the service starts when %s has started", e.key)
			}
			add(e.key)
		}
		return out
	}
	for _, item := range v.items() {
		n := item.resolve()
		if n == nil {
			return nil
		}
		if len(n.Content) == 0 {
			add(item.word("the name of a service"))
			continue
		}
		for _, e := range item.entries() {
			if e.key == "service" {
				add(e.value.word("the name of a service"))
			} else {
				e.unknown("service")
			}
		}
	}
	return out
}

// keyRefs are the sealed keys that SDL takes for volumes.
var keyRefs = regexp.MustCompile(`^sealed(\.[A-Za-z0-9_-]+){3}$`)

// serviceParams reads where volumes are mounted.
func (s *sdl) serviceParams(name string, v value) []placed {
	var out []placed
	tee, kbs := "", (*value)(nil)
	for _, e := range v.entries() {
		switch e.key {
		case "storage":
			for _, volume := range e.value.entries() {
				p := placed{name: volume.key, at: volume.value}
				for _, k := range volume.value.entries() {
					switch k.key {
					case "mount":
						p.mount = k.value.word("an absolute path")
					case "readOnly":
						p.readOnly = k.value.flag()
					case "keyRef":
						if key := k.value.word("a sealed key"); key != "" {
							if p.sealed = true; !keyRefs.MatchString(key) {
								k.value.errorf("expected sealed. and a token of three parts, found %q", key)
							}
							k.value.refusef("volume-encryption", "volumes that are encrypted with a key of the tenant are not offered")
						}
					case "volume":
						if s.minor < 2 {
							k.unknown("mount, readOnly")
						} else if to := k.value.word("the name of a volume"); to != "" {
							if deploys, ok := s.volumes[to]; !ok || deploys {
								k.value.errorf("there is no external volume %q in the section volumes", to)
							}
							p.leased = true
						}
					default:
						k.unknown("mount, readOnly")
					}
				}
				if !path.IsAbs(p.mount) {
					volume.value.errorf("expected mount: and an absolute path, found %q", p.mount)
					continue
				}
				if slices.ContainsFunc(out, func(o placed) bool { return o.mount == p.mount }) {
					volume.value.errorf("another volume is mounted at %s", p.mount)
					continue
				}
				out = append(out, p)
			}
		case "permissions":
			for _, k := range e.value.entries() {
				if k.key != "read" {
					k.unknown("read")
				} else if len(k.value.texts("what may be read")) > 0 {
					e.value.refusef("permissions", "permissions of another market's API are not offered")
				}
			}
		case "tee":
			tee = e.value.tee()
			if s.tees[name] = tee != ""; strings.HasSuffix(tee, "-gpu") {
				s.confidential[name] = e.value
			}
		case "kbs":
			kbs = &e.value
		default:
			e.unknown("storage, permissions")
		}
	}
	if kbs != nil && !kbs.null() {
		kbs.keyBroker(tee != "")
	}
	return out
}

var tees = []string{"cpu", "cpu-gpu", "sev-snp", "sev-snp-gpu", "tdx", "tdx-gpu"}

// tee reads params.tee, which was a mapping before it was a word.
func (v value) tee() string {
	kind := ""
	if n := v.resolve(); n != nil && n.Kind == yaml.MappingNode {
		for _, e := range v.entries() {
			if e.key == "type" {
				kind = e.value.word("a type")
			}
		}
	} else if kind = v.word("a type"); kind == "" {
		return ""
	}
	if !slices.Contains(tees, kind) {
		v.errorf("expected cpu or cpu-gpu, found %q", kind)
	}
	v.refusef("tee", "confidential computing is not offered")
	return kind
}

// keyBroker checks params.kbs, whose keys go to confidential computing alone.
func (v value) keyBroker(tee bool) {
	for _, e := range v.entries() {
		if e.key == "mode" {
			if mode := e.value.word("a mode"); mode == "provider" || mode == "tenant" {
				if !tee {
					v.errorf("kbs is there without tee; add tee: cpu, or remove kbs")
				}
				return
			}
		}
	}
	v.errorf("expected mode: provider or tenant")
}

// extension reads what this network has beyond SDL. Unknown keys are errors here: nobody else defines them.
func (v value) extension(svc *Service) {
	for _, e := range v.entries() {
		switch e.key {
		case "restart":
			s, ok := e.value.text("always, on-failure or never")
			svc.Restart = Restart(s)
			if ok && !slices.Contains([]Restart{RestartAlways, RestartOnFailure, RestartNever}, svc.Restart) {
				e.value.errorf("expected always, on-failure or never, found %q", s)
			}
		case "read_only":
			svc.ReadOnly = e.value.flag()
		default:
			at := e.value
			at.node = e.at
			at.errorf("unknown key; expected restart or read_only")
		}
	}
}
