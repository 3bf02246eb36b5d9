// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// expand puts variables into a text as the orchestrator of Akash's providers does before a program sees it: $(NAME) is the value of NAME, or
// stays where there is no such variable, and $$ is $. All else, such as $NAME, is for the program.
func expand(text string, variables map[string]string) string {
	var out strings.Builder
	for {
		i := strings.IndexByte(text, '$')
		if i < 0 || i == len(text)-1 {
			return out.String() + text
		}
		out.WriteString(text[:i])
		text = text[i:]
		taken, put := 2, text[:2]
		if text[1] == '$' {
			put = "$"
		}
		if name, _, closed := strings.Cut(text[2:], ")"); text[1] == '(' && closed {
			taken = len(name) + 3
			value, known := variables[name]
			if put = value; !known {
				put = text[:taken]
			}
		}
		out.WriteString(put)
		text = text[taken:]
	}
}

// expanded is a service with the variables of its file in place; those of env see the ones before them.
func (s Service) expanded() Service {
	variables := map[string]string{}
	s.Env = slices.Clone(s.Env)
	for i, e := range s.Env {
		name, value, _ := strings.Cut(e, "=")
		variables[name] = expand(value, variables)
		s.Env[i] = name + "=" + variables[name]
	}
	in := func(texts []string) []string {
		out := slices.Clone(texts)
		for i := range out {
			out[i] = expand(out[i], variables)
		}
		return out
	}
	s.Command, s.Args = in(s.Command), in(s.Args)
	return s
}

// providers' variables: those that Akash's providers set, and those that their orchestrator sets for every service.
var foreignVariable = regexp.MustCompile(`\$[({]?(AKASH_(?:CLUSTER_PUBLIC_HOSTNAME|(?:DEPLOYMENT|GROUP|ORDER)_SEQUENCE|OWNER|PROVIDER)` +
	`|([A-Z][A-Z0-9_]*)_(?:SERVICE_(?:HOST|PORT)|PORT_[0-9]+_(?:TCP|UDP)(?:_(?:ADDR|PORT|PROTO))?))\b`)

// foreign warns of variables in a text that are not there.
func (s *sdl) foreign(v value, env []string) {
	n := v.resolve()
	if n == nil || n.Kind != yaml.ScalarNode {
		return // noted elsewhere
	}
	for _, m := range foreignVariable.FindAllStringSubmatch(n.Value, -1) {
		variable, of := m[1], strings.ReplaceAll(strings.ToLower(m[2]), "_", "-")
		if slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, variable+"=") }) {
			continue
		}
		if m[2] == "" {
			v.warnf("there is no variable %s here, which Akash's providers set; set it under env", variable)
		} else if _, known := s.services[of]; known {
			v.warnf("there is no variable %s here, which Akash's providers set; the service is reached by its name, %s", variable, of)
		}
	}
}

// elsewhere warns of addresses that name another service's port as it is exposed, where within the lease nothing listens.
func (s *sdl) elsewhere() {
	if len(s.order) > maxServices {
		return // refused for that
	}
	for _, of := range s.file.Manifest.Services {
		inside := map[string]uint16{}
		for _, x := range of.Expose {
			inside[itoa(x.As)] = x.Port
		}
		for _, x := range of.Expose {
			delete(inside, itoa(x.Port))
		}
		if len(inside) == 0 {
			continue
		}
		address := regexp.MustCompile(`(?:^|[^A-Za-z0-9._-])(http://)?` + of.Name + `(?::([0-9]+)|[/?#\s"']|$)`)
		for _, other := range s.order {
			for _, v := range s.said[other] {
				n := v.resolve()
				if other == of.Name || n == nil || n.Kind != yaml.ScalarNode {
					continue
				}
				for _, m := range address.FindAllStringSubmatch(n.Value, -1) {
					port := m[2]
					if port == "" && m[1] != "" {
						port = itoa(httpPort)
					}
					if listens, wrong := inside[port]; wrong {
						v.warnf("within the lease the service %s listens on %d; nothing listens on %s, as which the port is exposed", of.Name, listens, port)
					}
				}
			}
		}
	}
}
