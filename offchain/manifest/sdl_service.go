// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"path"
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

// service reads what a service runs.
func (s *sdl) service(name string) Service {
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
			svc.Expose = s.expose(e.value)
		case "depends_on", "dependencies":
			svc.DependsOn = e.value.dependencies()
		case "params":
			s.params[name] = e.value.params()
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

func (s *sdl) expose(v value) []Expose {
	used := map[string]bool{} // every service has host ports of its own
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
			e.value.httpOptions()
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
	global, leased := false, false
	for _, e := range v.entries() {
		switch e.key {
		case "global":
			global = e.value.flag()
		case "service":
			if e.value.null() {
				continue
			}
			name, ok := e.value.text("the name of a service")
			if _, known := s.services[name]; ok && name != "" && !known {
				e.value.errorf("there is no service %q; expected one of %s", name, names(s.services))
			}
		case "ip":
			if e.value.null() {
				continue
			}
			name, ok := e.value.text("the name of an endpoint")
			leased = leased || name != ""
			if _, known := s.endpoints[name]; ok && name != "" && !known {
				e.value.errorf("there is no endpoint %q in the section endpoints", name)
			}
		case "http_options":
			if len(e.value.entries()) > 0 {
				e.value.warnf("http_options have no effect here, in SDL either; they belong to the rule itself")
			}
		default:
			e.unknown("global, service, ip, http_options")
		}
	}
	if leased && !global {
		v.errorf("a rule with ip: needs global: true")
	}
	return global
}

func (v value) protocol() string {
	if v.null() {
		return "tcp"
	}
	s, ok := v.text("tcp or udp")
	if !ok {
		return ""
	}
	switch strings.ToLower(s) {
	case "", "tcp":
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

// params reads where volumes are mounted.
func (v value) params() []placed {
	var out []placed
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
						k.value.refusef("volume-encryption", "volumes that are encrypted with a key of the tenant are not offered")
					default:
						k.unknown("mount, readOnly")
					}
				}
				if !path.IsAbs(p.mount) {
					volume.value.errorf("expected mount: and an absolute path, found %q", p.mount)
					continue
				}
				if slices.ContainsFunc(out, func(o placed) bool { return path.Clean(o.mount) == path.Clean(p.mount) }) {
					volume.value.errorf("another volume is mounted at %s", p.mount)
					continue
				}
				out = append(out, p)
			}
		case "permissions":
			if len(e.value.entries()) > 0 {
				e.value.refusef("permissions", "permissions of another market's API are not offered")
			}
		case "tee":
			e.value.refusef("tee", "confidential computing is not offered")
		default:
			e.unknown("storage, permissions")
		}
	}
	return out
}

// Bounds of http_options in SDL: bytes, and milliseconds.
const (
	maxHTTPBody    = 104857600
	maxHTTPTimeout = 60000
)

var httpNextCases = []string{"error", "timeout", "500", "502", "503", "504", "403", "404", "429", "off"}

// httpOptions checks what SDL checks; the port is passed on as it is, so none of them is offered.
func (v value) httpOptions() {
	entries := v.entries()
	for _, e := range entries {
		switch e.key {
		case "max_body_size":
			e.value.whole(0, maxHTTPBody)
		case "read_timeout", "send_timeout":
			e.value.whole(0, maxHTTPTimeout)
		case "next_tries", "next_timeout":
			e.value.whole(0, 1<<32-1)
		case "next_cases":
			cases := e.value.texts("a case")
			for _, c := range cases {
				if !slices.Contains(httpNextCases, c) {
					e.value.errorf("expected some of %s, found %q", strings.Join(httpNextCases, ", "), c)
				} else if c == "off" && len(cases) > 1 {
					e.value.errorf("off stands alone; remove it or the other cases")
				}
			}
		default:
			e.unknown("max_body_size, read_timeout, send_timeout, next_tries, next_timeout, next_cases")
		}
	}
	if len(entries) > 0 {
		v.refusef("http-options", "http_options are not offered; the port is passed on as it is")
	}
}

func (v value) credentials() *Credentials {
	c := &Credentials{}
	fields := map[string]*string{"host": &c.Host, "username": &c.Username, "password": &c.Password}
	for _, e := range v.entries() {
		if field, ok := fields[e.key]; ok {
			*field = e.value.word("text")
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
