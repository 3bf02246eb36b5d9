// SPDX-License-Identifier: Apache-2.0

// Package hostname reads host names that strangers give: as SNI, as Host, in a manifest, on a command line.
package hostname

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
)

// maxName is the longest host name of DNS, maxLabel its longest part.
const (
	maxName  = 253
	maxLabel = 63
)

// Err says that a text is not a host name that can be served.
var Err = errors.New("not a host name")

// Parse returns the one form of a host name that a client gave, as SNI or as Host with or without a port: ASCII, small letters, no
// dot at the end. It refuses what is no host name, addresses included.
func Parse(s string) (string, error) {
	if host, port, ok := strings.Cut(s, ":"); ok {
		if !number(port) || len(port) > 5 {
			return "", fmt.Errorf("%w: %.64q", Err, s)
		}
		s = host
	}
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > maxName {
		return "", fmt.Errorf("%w: %.64q", Err, s)
	}
	lower := make([]byte, len(s))
	label := 0 // where the present part begins
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		inner := i > label && i+1 < len(s) && s[i+1] != '.'
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-' && inner:
		case c == '.' && i > label && i+1 < len(s):
			label = i + 1
		default:
			return "", fmt.Errorf("%w: %.64q", Err, s)
		}
		if c != '.' && i-label >= maxLabel {
			return "", fmt.Errorf("%w: %.64q", Err, s)
		}
		lower[i] = c
	}
	if number(s[label:]) { // 127.0.0.1, and what resolvers of the machine would take for an address
		return "", fmt.Errorf("%w: %.64q is an address", Err, s)
	}
	return string(lower), nil
}

func number(s string) bool { return strings.Trim(s, "0123456789") == "" }

// Wanted returns the one form of a name that a tenant wants to be served under: a host name of at least two parts, or one with
// "*." before it, which stands for any one part.
func Wanted(s string) (string, error) {
	star := ""
	if rest, ok := strings.CutPrefix(s, "*."); ok {
		star, s = "*.", rest
	}
	name, err := Parse(s)
	switch {
	case err != nil:
		return "", err
	case strings.Contains(s, ":"):
		return "", fmt.Errorf("%w: %.64q has a port", Err, s)
	case !strings.Contains(name, "."):
		return "", fmt.Errorf("%w: %.64q has one part only", Err, s)
	case len(star+name) > maxName:
		return "", fmt.Errorf("%w: %.64q is too long", Err, s)
	}
	return star + name, nil
}

// Above is the wildcard that covers a name; empty where none can.
func Above(name string) string {
	if _, rest, ok := strings.Cut(name, "."); ok && strings.Contains(rest, ".") {
		return "*." + rest
	}
	return ""
}

// Within says whether a name, or some name of a wildcard, is a domain or below it.
func Within(name, domain string) bool {
	name = strings.TrimPrefix(name, "*.")
	return domain != "" && (name == domain || strings.HasSuffix(name, "."+domain))
}

// Label is the part of a service's own name before the provider's domain: 24 letters and digits that are the same on every worker.
func Label(chainID, lease, service string) string {
	sum := sha256.Sum256([]byte("ath/ingress/1\x00" + chainID + "\x00" + lease + "\x00" + service))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:15]))
}
