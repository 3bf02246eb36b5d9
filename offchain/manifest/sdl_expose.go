// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"slices"
	"strings"
)

// expose reads rules. Those that differ in nothing but whom they are for are one port.
func (s *sdl) expose(of string, v value) []Expose {
	var out []Expose
	for _, item := range v.items() {
		x, ok := s.exposeRule(of, item)
		if !ok {
			continue
		}
		if i := slices.IndexFunc(out, x.same); i < 0 {
			out = append(out, x)
		} else {
			out[i].merge(x, item)
		}
	}
	if len(out) > maxExpose {
		v.refusef("ports", "one service has at most %d rules; this one has %d", maxExpose, len(out))
	}
	return out
}

func (s *sdl) exposeRule(of string, v value) (Expose, bool) {
	x, several, others := Expose{Proto: "tcp"}, false, []value(nil)
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
			for i, to := range e.value.items() {
				global, other := s.exposeTo(of, to)
				x.Global, several = global || x.Global, i > 0
				if other != nil {
					others = append(others, *other)
				}
			}
		case "accept":
			x.Hosts = s.accept(e.value)
		case "http_options":
			x.HTTP = e.value.httpOptions()
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
	if several && len(x.Hosts) > 0 { // SDL makes a rule of each, and a host name may be there once
		v.errorf("a rule that accepts host names has one entry in to:, as in SDL; write the other in a rule of its own")
	}
	if x.As == 0 {
		x.As = x.Port
	}
	if x.As != x.Port && len(others) > 0 { // they would ask for a port that nothing listens on
		others[0].refusef("service-port", "services of a lease reach this port as %d; that they reach it as %d is not offered, write one number for both", x.Port, x.As)
	}
	x.serves(v)
	return x, x.Proto != ""
}

// exposeTo says whether the rule is global, and where it names another service that is deployed. Rules between services are met by the
// lease's own network, in which every service reaches every other.
func (s *sdl) exposeTo(of string, v value) (bool, *value) {
	global, leased, other := false, false, (*value)(nil)
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
				e.value.warnf("there is no service %q, ignored; there are %s", name, names(s.services))
			}
			if _, deployed := s.deployed[name]; deployed && name != of {
				other = &e.value
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
	return global, other
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

// accept reads host names. A name is there once in a file.
func (s *sdl) accept(v value) []string {
	out := v.texts("a host name")
	for i, h := range out {
		at := v.child("["+itoa(uint16(i))+"]", v.node)
		if len(h) > maxHost || !hostName.MatchString(h) {
			at.errorf("expected a host name in small letters such as www.example.com, found %q", h)
		}
		if s.hosts[h] {
			at.errorf("the host name %q is there twice; remove one", h)
		}
		s.hosts[h] = true
	}
	if len(out) > MaxHosts {
		v.refusef("accept", "at most %d host names are served, the rule has %d", MaxHosts, len(out))
	}
	return out
}
