// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	imagePath   = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	imageHost   = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:[0-9]{1,5})?$|^\[[0-9a-fA-F:]+\](:[0-9]{1,5})?$`)
	imageTag    = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}$`)
	imageDigest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// image reads a reference and returns it in full: host/path@sha256:… . A tag next to a digest is dropped, as engines do. A
// reference by tag alone stays one, host/path:tag, until File.Pin: what runs must be what the hash on chain says.
func (v value) image() string {
	const want = "an image such as docker.io/library/nginx:1.27, or better nginx@sha256:<64 hex digits>"
	s, ok := v.text(want)
	if !ok {
		return ""
	}
	name, digest, byDigest := strings.Cut(s, "@")
	if s == "" {
		v.errorf("expected %s, found nothing", want)
		return ""
	}
	// SDL takes any text for an image, so what no registry can have is a valid file that can't be deployed.
	if byDigest && !imageDigest.MatchString(digest) {
		v.refusef("image-name", "expected @sha256: and 64 hex digits in lower case behind the name, found %q", digest)
		return s
	}
	host, path := splitHost(name)
	tag := ""
	if i := strings.LastIndexByte(path, ':'); i >= 0 {
		path, tag = path[:i], path[i+1:]
		if !imageTag.MatchString(tag) {
			v.refusef("image-name", "expected %s, found the tag %q", want, tag)
			return s
		}
	}
	if !imageHost.MatchString(host) || !imagePath.MatchString(path) || len(path) > 255 {
		v.refusef("image-name", "no registry has an image of this name; expected %s, found %q", want, s)
		return s
	}
	full := host + "/" + path
	if !byDigest {
		if tag == "" {
			tag = "latest"
		}
		v.warnf("%s:%s is a tag, which may change; athd deploy asks the registry once and rents for the digest that it names", full, tag)
		return full + ":" + tag
	}
	return full + "@" + digest
}

// Pinned says whether every image is named by its digest, as a manifest's must be.
func (f *File) Pinned() bool {
	return !slices.ContainsFunc(f.Manifest.Services, func(s Service) bool { return !strings.Contains(s.Image, "@") })
}

// Pin replaces tags by the digests (sha256:…) that resolve answers for them, with the credentials that the file gives for the
// image's registry, or nil.
func (f *File) Pin(resolve func(image string, credentials *Credentials) (digest string, err error)) error {
	for i, s := range f.Manifest.Services {
		if strings.Contains(s.Image, "@") {
			continue
		}
		credentials := s.Credentials
		if !credentials.For(s.Image) {
			credentials = nil
		}
		digest, err := resolve(s.Image, credentials)
		if err != nil {
			return fmt.Errorf("services.%s.image: %w", s.Name, err)
		}
		if !imageDigest.MatchString(digest) {
			return fmt.Errorf("services.%s.image: the registry names %s by %q; want sha256: and 64 hex digits", s.Name, s.Image, digest)
		}
		f.Manifest.Services[i].Image = s.Image[:strings.LastIndexByte(s.Image, ':')] + "@" + digest
	}
	return nil
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
