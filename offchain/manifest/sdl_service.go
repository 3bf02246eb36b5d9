// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"regexp"
	"slices"
	"strings"
)

// maxExpose bounds the ports of one service.
const maxExpose = 64

var (
	serviceName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	envName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	hostName    = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)
)

const serviceKeys = "image, command, args, env, expose, depends_on, dependencies, params, credentials, x-ath"

// service reads what a service runs; used collects the host-side ports of the manifest.
func (s *sdl) service(name string, used map[string]bool) Service {
	v := s.services[name]
	if !serviceName.MatchString(name) {
		v.errorf("expected a name of 1 to 63 letters a-z, digits and dashes, found %q", name)
	}
	svc := Service{Name: name, Restart: RestartAlways}
	hasImage := false
	for _, e := range v.entries() {
		switch e.key {
		case "image":
			hasImage = true
			svc.Image = e.value.image()
		case "command":
			svc.Command = e.value.texts("a word of the command")
		case "args":
			svc.Args = e.value.texts("an argument")
		case "env":
			svc.Env = e.value.environment()
		case "expose":
			svc.Expose = s.expose(e.value, used)
		case "depends_on", "dependencies":
			svc.DependsOn = e.value.dependencies()
		case "params":
			e.value.params()
		case "credentials":
			svc.Credentials = e.value.credentials()
		case "x-ath":
			e.value.extension(&svc)
		default:
			e.unknown(serviceKeys)
		}
	}
	if !hasImage {
		v.errorf("image is missing; expected an image such as docker.io/library/nginx:1.27, or better nginx@sha256:<64 hex digits>")
	}
	return svc
}

func (v value) environment() []string {
	var out []string
	for _, item := range v.items() {
		kv, ok := item.text("KEY=value")
		if !ok {
			continue
		}
		key, val, _ := strings.Cut(kv, "=")
		if !envName.MatchString(key) || strings.ContainsRune(val, 0) {
			item.errorf("expected KEY=value, found %q", kv)
			continue
		}
		out = append(out, key+"="+val)
	}
	return out
}

func (s *sdl) expose(v value, used map[string]bool) []Expose {
	var out []Expose
	for _, item := range v.items() {
		x, ok := s.exposeRule(item)
		if !ok {
			continue
		}
		key := x.Proto + "/" + itoa(x.As)
		if x.Global && used[key] {
			item.errorf("port %d/%s is exposed globally twice; give one of them another as:", x.As, x.Proto)
			continue
		}
		if x.Global {
			used[key] = true
		}
		out = append(out, x)
	}
	if len(out) > maxExpose {
		v.errorf("expected at most %d rules, found %d", maxExpose, len(out))
	}
	return out
}

func (s *sdl) exposeRule(v value) (Expose, bool) {
	x := Expose{Proto: "tcp"}
	for _, e := range v.entries() {
		switch e.key {
		case "port":
			n, _ := e.value.whole(1, 65535)
			x.Port = uint16(n)
		case "as":
			n, _ := e.value.whole(0, 65535)
			x.As = uint16(n)
		case "proto":
			x.Proto = e.value.protocol()
		case "to":
			for _, to := range e.value.items() {
				x.Global = s.exposeTo(to) || x.Global
			}
		case "accept":
			x.Hosts = e.value.hosts()
		case "http_options":
			if len(e.value.entries()) > 0 {
				e.value.refusef("http-options", "http_options are not offered; the port is passed on as it is")
			}
		default:
			e.unknown("port, as, proto, to, accept, http_options")
		}
	}
	if x.Port == 0 {
		if !slices.ContainsFunc(v.r.errors, func(p Problem) bool { return p.Path == v.path+".port" }) {
			v.errorf("port is missing; expected a whole number from 1 to 65535")
		}
		return x, false
	}
	if x.As == 0 {
		x.As = x.Port
	}
	return x, x.Proto != ""
}

// exposeTo says whether the rule is global. Rules between services are met by the lease's own network, in which every
// service reaches every other.
func (s *sdl) exposeTo(v value) bool {
	global := false
	for _, e := range v.entries() {
		switch e.key {
		case "global":
			global = e.value.flag()
		case "service":
			name, ok := e.value.text("the name of a service")
			if _, known := s.services[name]; ok && name != "" && !known {
				e.value.errorf("there is no service %q; expected one of %s", name, names(s.services))
			}
		case "ip":
			name, ok := e.value.text("the name of an endpoint")
			if _, known := s.endpoints[name]; ok && name != "" && !known {
				e.value.errorf("there is no endpoint %q in the section endpoints", name)
			}
		case "http_options":
			if len(e.value.entries()) > 0 {
				e.value.refusef("http-options", "http_options are not offered; the port is passed on as it is")
			}
		default:
			e.unknown("global, service, ip, http_options")
		}
	}
	return global
}

func (v value) protocol() string {
	s, ok := v.text("tcp or udp")
	if !ok {
		return ""
	}
	switch strings.ToLower(s) {
	case "", "tcp", "http", "https":
		return "tcp"
	case "udp":
		return "udp"
	}
	v.errorf("expected tcp or udp, found %q", s)
	return ""
}

func (v value) hosts() []string {
	out := v.texts("a host name")
	for i, h := range out {
		if len(h) > 253 || !hostName.MatchString(h) {
			v.child("["+itoa(uint16(i))+"]", v.node).errorf("expected a host name such as www.example.com, found %q", h)
		}
	}
	return out
}

// dependencies reads a list of names or of {service: name}.
func (v value) dependencies() []string {
	var out []string
	for _, item := range v.items() {
		n := item.resolve()
		if n == nil {
			return nil
		}
		name, ok := "", false
		if len(n.Content) == 0 {
			name, ok = item.text("the name of a service")
		} else {
			for _, e := range item.entries() {
				if e.key == "service" {
					name, ok = e.value.text("the name of a service")
				} else {
					e.unknown("service")
				}
			}
		}
		if ok && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// params reads mounts of volumes; they need volumes, which are not offered.
func (v value) params() {
	for _, e := range v.entries() {
		switch e.key {
		case "storage":
			for _, volume := range e.value.entries() {
				for _, p := range volume.value.entries() {
					switch p.key {
					case "mount":
						if s, ok := p.value.text("an absolute path"); ok && s != "" {
							if !strings.HasPrefix(s, "/") {
								p.value.errorf("expected an absolute path, found %q", s)
								continue
							}
							p.value.refusef("volume-mount", "volumes that are mounted at a path are not offered; the service's root file system holds the ephemeral storage")
						}
					case "readOnly":
						p.value.flag()
					default:
						p.unknown("mount, readOnly")
					}
				}
			}
		case "permissions":
			if len(e.value.entries()) > 0 {
				e.value.refusef("permissions", "permissions of another market's API are not offered")
			}
		default:
			e.unknown("storage, permissions")
		}
	}
}

func (v value) credentials() *Credentials {
	c := &Credentials{}
	fields := map[string]*string{"host": &c.Host, "username": &c.Username, "password": &c.Password}
	for _, e := range v.entries() {
		if field, ok := fields[e.key]; ok {
			*field, _ = e.value.text("text")
		} else if e.key != "email" {
			e.unknown("host, username, password, email")
		}
	}
	for _, key := range []string{"host", "username", "password"} {
		if *fields[key] == "" {
			v.errorf("%s is missing; expected host, username and password", key)
		}
	}
	return c
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
