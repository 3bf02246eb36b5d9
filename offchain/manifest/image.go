// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"regexp"
	"strings"
)

var (
	imagePath   = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	imageHost   = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:[0-9]{1,5})?$|^\[[0-9a-fA-F:]+\](:[0-9]{1,5})?$`)
	imageTag    = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}$`)
	imageDigest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// image reads a reference and returns it in full: host/path@sha256:… . A tag next to a digest is dropped, as engines do.
// A reference by tag alone is valid and refused: what runs must be what the hash on chain says.
func (v value) image() string {
	const want = "an image such as docker.io/library/nginx@sha256:<64 hex digits>"
	s, ok := v.text(want)
	if !ok {
		return ""
	}
	name, digest, byDigest := strings.Cut(s, "@")
	if byDigest && !imageDigest.MatchString(digest) {
		v.errorf("expected @sha256: and 64 hex digits in lower case behind the name, found %q", digest)
		return ""
	}
	host, path := splitHost(name)
	tag := ""
	if i := strings.LastIndexByte(path, ':'); i >= 0 {
		path, tag = path[:i], path[i+1:]
		if !imageTag.MatchString(tag) {
			v.errorf("expected %s, found the tag %q", want, tag)
			return ""
		}
	}
	if !imageHost.MatchString(host) || !imagePath.MatchString(path) || len(path) > 255 {
		v.errorf("expected %s, found %q", want, s)
		return ""
	}
	full := host + "/" + path
	if !byDigest {
		if tag == "" {
			tag = "latest"
		}
		v.refusef("image-by-tag", "%s:%s is a tag, which may change; name the image by digest: "+
			"docker buildx imagetools inspect %s:%s prints it, then write %s@sha256:…", full, tag, full, tag, full)
		return ""
	}
	return full + "@" + digest
}

// splitHost divides a reference as Docker does: what stands before the first slash is a host if it looks like one.
func splitHost(name string) (host, path string) {
	host, path, ok := strings.Cut(name, "/")
	if !ok || (!strings.ContainsAny(host, ".:") && host != "localhost") {
		host, path = "docker.io", name
	}
	if host == "index.docker.io" {
		host = "docker.io"
	}
	if host == "docker.io" && !strings.Contains(path, "/") {
		path = "library/" + path
	}
	return host, path
}
