// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// httpPort is what a port is exposed as that is HTTP, as in SDL.
const httpPort = 80

// MaxHosts bounds the host names that one lease may have: each is asked for in DNS again and again.
const MaxHosts = 32

// Bounds of http_options in SDL in bytes, and what a timeout is in milliseconds where a file says nothing.
const (
	maxHTTPBody   = 104857600
	maxHTTPBuffer = 1048576
	httpTimeout   = 60000
)

var httpNextCases = []string{"error", "timeout", "500", "502", "503", "504", "403", "404", "429", "off"}

// HTTP says how a worker's ingress passes requests on to a port.
type HTTP struct {
	// MaxBody is the longest body of a request in bytes, MaxHeader the longest header of an answer.
	MaxBody   uint32 `json:"max_body_size"`
	MaxHeader uint32 `json:"proxy_buffer_size"`
	// ReadTimeout and SendTimeout are how long the service may send, or take, nothing; in ms.
	ReadTimeout uint32 `json:"read_timeout"`
	SendTimeout uint32 `json:"send_timeout"`
	// NextTries is how many replicas are tried at most, NextTimeout how long after the request no other is, in ms, or 0 for
	// no bound; NextCases is when: error, timeout, an answer's status, or off.
	NextTries   uint32   `json:"next_tries"`
	NextTimeout uint32   `json:"next_timeout"`
	NextCases   []string `json:"next_cases"`
}

// DefaultHTTP is what SDL means when it says nothing.
func DefaultHTTP() HTTP {
	return HTTP{
		MaxBody: 1 << 20, MaxHeader: 16 << 10, ReadTimeout: httpTimeout, SendTimeout: httpTimeout,
		NextTries: 3, NextCases: []string{"error", "timeout"},
	}
}

// IsHTTP says whether a worker's ingress serves the port: TCP, global, exposed as 80.
func (e Expose) IsHTTP() bool { return e.Global && e.Proto == "tcp" && e.As == httpPort }

// Options are the port's own, or the default ones.
func (e Expose) Options() HTTP {
	if e.HTTP == nil {
		return DefaultHTTP()
	}
	return *e.HTTP
}

// check refuses what SDL does not allow.
func (h HTTP) check() error {
	within := func(n, low, high uint32) bool { return n >= low && n <= high }
	if !within(h.MaxBody, 1, maxHTTPBody) || !within(h.MaxHeader, 1, maxHTTPBuffer) || h.ReadTimeout == 0 || h.SendTimeout == 0 ||
		h.NextTries == 0 || len(h.NextCases) == 0 || len(h.NextCases) > len(httpNextCases) {
		return fmt.Errorf("http options: want bodies of 1 to %d bytes, headers of 1 to %d, timeouts, tries and cases", maxHTTPBody, maxHTTPBuffer)
	}
	for _, c := range h.NextCases {
		if !slices.Contains(httpNextCases, c) || c == "off" && len(h.NextCases) > 1 {
			return fmt.Errorf("http options: case %q: want some of %s, or off alone", c, strings.Join(httpNextCases, ", "))
		}
	}
	return nil
}

// CheckExpose refuses rules of a service that no worker serves.
func CheckExpose(rules []Expose) error {
	for _, e := range rules {
		switch {
		case e.HTTP != nil && !e.IsHTTP():
			return fmt.Errorf("port %d/%s: http options belong to a global TCP port as %d", e.Port, e.Proto, httpPort)
		case len(e.Hosts) > MaxHosts:
			return fmt.Errorf("port %d/%s: %d host names, at most %d", e.Port, e.Proto, len(e.Hosts), MaxHosts)
		}
		for _, h := range e.Hosts {
			if len(h) > maxHost || !hostName.MatchString(h) {
				return fmt.Errorf("port %d/%s: %q is not a host name", e.Port, e.Proto, h)
			}
		}
		if e.HTTP != nil {
			if err := e.HTTP.check(); err != nil {
				return err
			}
		}
	}
	return nil
}

// httpOptions reads what SDL reads; 0 and an empty list mean the default.
func (v value) httpOptions() *HTTP {
	h := DefaultHTTP()
	entries := v.entries()
	number := func(v value, field *uint32, high uint64) {
		if n, ok := v.whole(0, high); ok && n > 0 {
			*field = uint32(n)
		}
	}
	for _, e := range entries {
		switch e.key {
		case "max_body_size":
			number(e.value, &h.MaxBody, maxHTTPBody)
		case "proxy_buffer_size":
			number(e.value, &h.MaxHeader, maxHTTPBuffer)
		case "read_timeout":
			e.value.timeout(&h.ReadTimeout)
		case "send_timeout":
			e.value.timeout(&h.SendTimeout)
		case "next_tries":
			number(e.value, &h.NextTries, 1<<32-1)
		case "next_timeout":
			number(e.value, &h.NextTimeout, 1<<32-1)
		case "next_cases":
			if cases := e.value.nextCases(); len(cases) > 0 {
				h.NextCases = cases
			}
		default:
			e.unknown("max_body_size, proxy_buffer_size, read_timeout, send_timeout, next_tries, next_timeout, next_cases")
		}
	}
	if len(entries) == 0 {
		return nil
	}
	return &h
}

// timeouts is how SDL writes them beside plain numbers: one unit, no parts.
var timeouts = regexp.MustCompile(`^([0-9]+)(ms|s|m|h)?$`)

// timeout reads milliseconds, with or without quotes, or a duration such as 90s; 0 leaves the default.
func (v value) timeout(field *uint32) {
	n := uint64(0)
	if node := v.resolve(); node != nil && node.Kind == yaml.ScalarNode && node.Tag == "!!str" {
		units := map[string]uint64{"": 1, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
		m, err := timeouts.FindStringSubmatch(node.Value), error(nil)
		if m != nil {
			n, err = strconv.ParseUint(m[1], 10, 64)
		}
		if m == nil || err != nil || n > math.MaxUint32/units[m[2]] {
			v.errorf("expected milliseconds, or a whole number of ms, s, m or h such as 90s, up to %d ms, found %q", uint32(math.MaxUint32), node.Value)
			return
		}
		n *= units[m[2]]
	} else {
		n, _ = v.whole(0, math.MaxUint32) // a bad one is noted, and 0
	}
	if n > 0 {
		*field = uint32(n)
	}
}

// nextCases are those of the list, each once.
func (v value) nextCases() []string {
	var out []string
	cases := v.texts("a case")
	for _, c := range cases {
		switch {
		case !slices.Contains(httpNextCases, c):
			v.errorf("expected some of %s, found %q", strings.Join(httpNextCases, ", "), c)
		case c == "off" && len(cases) > 1:
			v.errorf("off stands alone; remove it or the other cases")
		case !slices.Contains(out, c):
			out = append(out, c)
		}
	}
	return out
}

// same says whether two rules are about one port.
func (e Expose) same(o Expose) bool {
	return e.Port == o.Port && e.As == o.As && e.Proto == o.Proto
}

// merge takes in another rule about the same port.
func (e *Expose) merge(o Expose, v value) {
	e.Hosts = append(e.Hosts, o.Hosts...)
	if len(e.Hosts) > MaxHosts && len(e.Hosts)-len(o.Hosts) <= MaxHosts && len(o.Hosts) <= MaxHosts {
		v.refusef("accept", "at most %d host names of one port are served, this rule makes them %d", MaxHosts, len(e.Hosts))
	}
	if !e.IsHTTP() {
		e.HTTP = o.HTTP
	}
	e.Global = e.Global || o.Global
	if o.IsHTTP() && !reflect.DeepEqual(e.Options(), o.Options()) {
		v.warnf("another rule exposes the same port: its http_options count for all host names of the port")
	}
}

// serves says what of a rule has no effect because the port is not HTTP.
func (e *Expose) serves(v value) {
	if e.IsHTTP() {
		return
	}
	if e.HTTP != nil {
		v.warnf("http_options have no effect here; they are for a port that is exposed as 80, to global, over tcp")
		e.HTTP = nil
	}
	if len(e.Hosts) > 0 {
		v.warnf("accept has no effect here; host names are for a port that is exposed as 80, to global, over tcp")
	}
}
