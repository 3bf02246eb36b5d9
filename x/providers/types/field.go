// SPDX-License-Identifier: Apache-2.0

package types

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxEndpoint holds the longest DNS name (253), a colon and a port.
const maxEndpoint = 260

// isLabel accepts 1 to MaxLabel of [a-z0-9-].
func isLabel(s string) bool {
	return s != "" && len(s) <= MaxLabel && onlyLabelBytes(s)
}

func onlyLabelBytes(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// isText accepts at most n bytes of UTF-8 without control characters, which could garble a terminal.
func isText(s string, n int) bool {
	return len(s) <= n && utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}

// isHostname accepts DNS names: labels of 1 to 63 letters, digits and inner hyphens, at most 253 bytes.
func isHostname(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if !onlyLabelBytes(strings.ToLower(label)) {
			return false
		}
	}
	return true
}

// isEndpoint accepts host:port, where host is an IP address or a DNS name.
func isEndpoint(s string) bool {
	if len(s) > maxEndpoint {
		return false
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || port != strconv.FormatUint(n, 10) {
		return false
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Zone() == "" && !addr.IsUnspecified() && !addr.IsMulticast()
	}
	return isHostname(host)
}

// isCountry accepts two upper-case letters.
func isCountry(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}
