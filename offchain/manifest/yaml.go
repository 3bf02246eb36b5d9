// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxNodes bounds the values that a file may expand to, so that nested aliases cannot blow up.
const maxNodes = 100_000

// reader collects what is to be said about a file while it is walked. It never stops at the first problem.
type reader struct {
	file       string
	nodes      int
	errors     []Problem
	notOffered []Problem
	warnings   []Problem
}

// value is a YAML node with the path by which it was reached.
type value struct {
	r    *reader
	node *yaml.Node
	path string
}

// entry is one key of a mapping.
type entry struct {
	key   string
	value value
	at    *yaml.Node
}

func (r *reader) problem(n *yaml.Node, path, text string) Problem {
	return Problem{File: r.file, Line: max(n.Line, 1), Column: max(n.Column, 1), Path: path, Text: text}
}

// root parses the first document of data; nil after an error.
func (r *reader) root(data []byte) *value {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		r.errors = append(r.errors, Problem{File: r.file, Line: brokenLine(data, err), Column: 1, Text: "not YAML: " + yamlError(err)})
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		r.errors = append(r.errors, Problem{File: r.file, Line: 1, Column: 1, Text: "the file is empty; expected an SDL file that starts with version: \"2.0\""})
		return nil
	}
	root := &value{r: r, node: doc.Content[0]}
	r.further(*root, data)
	return root
}

// further warns of documents behind the first, which SDL reads alone.
func (r *reader) further(root value, data []byte) {
	if !bytes.Contains(data, []byte("---")) {
		return
	}
	documents := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if documents.Decode(&first) != nil || errors.Is(documents.Decode(&second), io.EOF) {
		return
	}
	if len(second.Content) > 0 {
		root.node = second.Content[0]
	}
	root.warnf("only the first document of a file is read; put the others into files of their own")
}

// yamlError takes the place out of the parser's "yaml: line N: text": it is often that of what the fault is in, and not the fault's own.
func yamlError(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if number, rest, ok := strings.Cut(strings.TrimPrefix(text, "line "), ": "); ok {
		if _, err := strconv.Atoi(number); err == nil {
			return rest
		}
	}
	return text
}

const (
	// maxSpan is how many lines a value may go on without being YAML where it is cut; what takes more is named by its first line.
	maxSpan = 64
	// maxSought bounds the bytes that are parsed to find where a file ceases to be YAML.
	maxSought = 4 << 20
)

// brokenLine says where a file ceases to be YAML, for the reason that the parser gives: the line behind the longest beginning that is.
func brokenLine(data []byte, reason error) int {
	ends := []int{0}
	for i, c := range data {
		if c == '\n' || i == len(data)-1 {
			ends = append(ends, i+1)
		}
	}
	sought := 0
	// parses says whether so many lines do, and else whether more of them may.
	parses := func(lines int) (yes, more bool) {
		if sought += ends[lines]; sought > maxSought {
			return false, false
		}
		var doc yaml.Node
		err := yaml.Unmarshal(data[:ends[lines]], &doc)
		return err == nil, err != nil && err.Error() != reason.Error()
	}
	good, bad := 0, len(ends)-1
	for bad-good > 1 {
		half := (good + bad) / 2
		yes, more := parses(half)
		next := half
		for more && next+1 < min(bad, half+maxSpan) {
			next++
			yes, more = parses(next)
		}
		if yes {
			good = next
		} else {
			bad = half
		}
	}
	return good + 1
}

func (v value) child(name string, node *yaml.Node) value {
	path := name
	if v.path != "" {
		path = v.path + "." + name
	}
	if strings.HasPrefix(name, "[") {
		path = v.path + name
	}
	return value{r: v.r, node: node, path: path}
}

// errorf notes that the file is invalid here.
func (v value) errorf(format string, args ...any) {
	v.r.errors = append(v.r.errors, v.r.problem(v.node, v.path, fmt.Sprintf(format, args...)))
}

// warnf notes something that is accepted and has no effect.
func (v value) warnf(format string, args ...any) {
	v.r.warnings = append(v.r.warnings, v.r.problem(v.node, v.path, fmt.Sprintf(format, args...)))
}

// refusef notes a valid feature that is not offered.
func (v value) refusef(feature, format string, args ...any) {
	p := v.r.problem(v.node, v.path, fmt.Sprintf(format, args...))
	p.Feature = feature
	v.r.notOffered = append(v.r.notOffered, p)
}

// resolve follows aliases; nil once the file has expanded to too many values.
func (v value) resolve() *yaml.Node {
	v.r.nodes++
	if v.r.nodes > maxNodes {
		if v.r.nodes == maxNodes+1 {
			v.errorf("the file expands to more than %d values", maxNodes)
		}
		return nil
	}
	n := v.node
	for hops := 0; n.Kind == yaml.AliasNode; hops++ {
		if hops > 16 {
			v.errorf("alias refers to itself")
			return nil
		}
		n = n.Alias
	}
	return n
}

// null says whether the value is absent: null, ~ or nothing behind the colon.
func (v value) null() bool {
	n := v.node
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// entries returns the keys of a mapping in order of the file, merge keys expanded behind the mapping's own.
func (v value) entries() []entry {
	return v.mergedEntries(0)
}

func (v value) mergedEntries(depth int) []entry {
	n := v.resolve()
	if n == nil || v.null() {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		v.errorf("expected a mapping (key: value), found %s", describe(n))
		return nil
	}
	if depth > 16 {
		v.errorf("merge keys nest more than 16 deep")
		return nil
	}
	var own, merged []entry
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, c := n.Content[i], n.Content[i+1]
		if k.Kind == yaml.ScalarNode && k.Tag == "!!merge" {
			merged = append(merged, v.mergeKey(c, depth)...)
			continue
		}
		if k.Kind != yaml.ScalarNode {
			v.child("?", k).errorf("expected a plain key, found %s", describe(k))
			continue
		}
		if line, dup := seen[k.Value]; dup {
			v.child(k.Value, k).errorf("the key is there twice, first in line %d", line)
			continue
		}
		seen[k.Value] = k.Line
		own = append(own, entry{key: k.Value, value: v.child(k.Value, c), at: k})
	}
	for _, e := range merged {
		if _, dup := seen[e.key]; !dup {
			seen[e.key] = e.at.Line
			own = append(own, e)
		}
	}
	return own
}

// mergeKey returns the entries that "<<" brings: of one mapping or of a list of mappings.
func (v value) mergeKey(n *yaml.Node, depth int) []entry {
	target := value{r: v.r, node: n, path: v.path}
	resolved := target.resolve()
	if resolved == nil {
		return nil
	}
	if resolved.Kind != yaml.SequenceNode {
		return target.mergedEntries(depth + 1)
	}
	var out []entry
	for _, c := range resolved.Content {
		out = append(out, value{r: v.r, node: c, path: v.path}.mergedEntries(depth+1)...)
	}
	return out
}

// items returns the elements of a list.
func (v value) items() []value {
	n := v.resolve()
	if n == nil || v.null() {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		v.errorf("expected a list, found %s", describe(n))
		return nil
	}
	out := make([]value, len(n.Content))
	for i, c := range n.Content {
		out[i] = v.child("["+strconv.Itoa(i)+"]", c)
	}
	return out
}

// text returns a scalar as it stands in the file.
func (v value) text(want string) (string, bool) {
	n := v.resolve()
	if n == nil {
		return "", false
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		v.errorf("expected %s, found %s", want, describe(n))
		return "", false
	}
	return n.Value, true
}

// word is text for those who go on without it: nothing is empty, what is no scalar is noted as a problem, and empty too.
func (v value) word(want string) string {
	if v.null() {
		return ""
	}
	s, _ := v.text(want) // not a scalar: noted
	return s
}

// texts returns a list of scalars; one that is absent is empty.
func (v value) texts(want string) []string {
	var out []string
	for _, item := range v.items() {
		if item.null() {
			out = append(out, "")
		} else if s, ok := item.text(want); ok {
			out = append(out, s)
		}
	}
	return out
}

// flag returns a boolean.
func (v value) flag() bool {
	n := v.resolve()
	if n == nil {
		return false
	}
	var b bool
	if n.Kind != yaml.ScalarNode || n.Decode(&b) != nil {
		v.errorf("expected true or false, found %s", describe(n))
		return false
	}
	return b
}

// whole returns a whole number between low and high: YAML's, so that "80" in quotes is none, and nothing is 0.
func (v value) whole(low, high uint64) (uint64, bool) {
	node := v.resolve()
	if node == nil {
		return 0, false
	}
	n := uint64(0)
	if node.Kind != yaml.ScalarNode || node.Decode(&n) != nil || n < low || n > high {
		found := describe(node)
		if node.Kind == yaml.ScalarNode && node.Tag == "!!str" {
			found = "the text " + found
		}
		v.errorf("expected a whole number from %d to %d, found %s", low, high, found)
		return 0, false
	}
	return n, true
}

// digits returns a whole number that is written in digits, with or without quotes; nothing is 0.
func (v value) digits(high uint64) uint64 {
	if v.null() {
		return 0
	}
	s, ok := v.text("a whole number")
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > high {
		v.errorf("expected a whole number from 0 to %d, found %q", high, s)
		return 0
	}
	return n
}

// unknown says what is done with a key that is not of SDL: extensions are skipped, all else gets a warning.
func (e entry) unknown(known string) {
	if strings.HasPrefix(e.key, "x-") {
		return
	}
	at := e.value
	at.node = e.at
	at.warnf("unknown key, ignored; known here: %s", known)
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return "nothing"
		}
		return strconv.Quote(n.Value)
	default:
		return "something else"
	}
}
