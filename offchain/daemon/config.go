// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"
)

// Config binds the fields of a struct to flags, environment and a file. Precedence: flag > environment > file > default.
//
// A field takes part when it has a `name` tag; `default` and `usage` are optional. Kinds: string, bool, int, int64, uint32,
// uint64, time.Duration and []string (comma-separated). Structs without a name are descended into. The key of the file is the
// name; the variable is PREFIX_NAME in upper case with underscores.
type Config struct {
	target any
	prefix string
	fields []field
}

type field struct {
	name, def, usage string
	value            reflect.Value
}

// Bind registers a flag per field of target, which is a pointer to a struct, and sets every field to its default.
func Bind(flags *pflag.FlagSet, prefix string, target any) (*Config, error) {
	c := &Config{target: target, prefix: prefix}
	if err := c.collect(reflect.ValueOf(target).Elem()); err != nil {
		return nil, err
	}
	for _, f := range c.fields {
		if f.def != "" {
			if err := f.set(f.def); err != nil {
				return nil, fmt.Errorf("default of %s: %w", f.name, err)
			}
		}
		flags.Var(flagValue{f}, f.name, f.usage)
		if f.value.Kind() == reflect.Bool {
			flags.Lookup(f.name).NoOptDefVal = "true"
		}
	}
	return c, nil
}

func (c *Config) collect(v reflect.Value) error {
	for i := range v.NumField() {
		ft, fv := v.Type().Field(i), v.Field(i)
		name := ft.Tag.Get("name")
		if name == "" {
			if fv.Kind() == reflect.Struct && ft.IsExported() {
				if err := c.collect(fv); err != nil {
					return err
				}
			}
			continue
		}
		c.fields = append(c.fields, field{name: name, def: ft.Tag.Get("default"), usage: ft.Tag.Get("usage"), value: fv})
	}
	return nil
}

// Resolve fills every field that no flag set: from the environment, else from the file at path, else its default stays.
// A missing file is no error unless it is required.
func (c *Config) Resolve(flags *pflag.FlagSet, path string, required bool, lookupEnv func(string) (string, bool)) error {
	file, err := readFile(path, required)
	if err != nil {
		return err
	}
	for _, f := range c.fields {
		key, fromFile := file[f.name]
		delete(file, f.name)
		if flags.Changed(f.name) {
			continue
		}
		env := c.prefix + "_" + strings.ToUpper(strings.ReplaceAll(f.name, "-", "_"))
		if value, ok := lookupEnv(env); ok {
			if err := f.set(value); err != nil {
				return fmt.Errorf("%s in the environment: %w", env, err)
			}
			continue
		}
		if fromFile {
			if err := f.set(key.text); err != nil {
				return fmt.Errorf("%s:%d: %s: %w", path, key.line, f.name, err)
			}
		}
	}
	for name, key := range file {
		return fmt.Errorf("%s:%d: unknown setting %q; `--help` lists those that exist", path, key.line, name)
	}
	return nil
}

type setting struct {
	text string
	line int
}

func readFile(path string, required bool) (map[string]setting, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !required {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	var doc yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(b)).Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: want `name: value` lines", path, root.Line)
	}
	out := map[string]setting{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		s := setting{text: value.Value, line: key.Line}
		if value.Kind == yaml.SequenceNode {
			parts := make([]string, len(value.Content))
			for j, item := range value.Content {
				parts[j] = item.Value
			}
			s.text = strings.Join(parts, ",")
		} else if value.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("%s:%d: %s: want a value or a list", path, key.Line, key.Value)
		}
		out[key.Value] = s
	}
	return out, nil
}

func (f field) set(s string) error {
	switch p := f.value.Addr().Interface().(type) {
	case *[]string:
		*p = nil
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" {
				*p = append(*p, part)
			}
		}
		return nil
	case *time.Duration:
		d, err := time.ParseDuration(s)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 30s", s)
		}
		*p = d
		return nil
	case *string:
		*p = s
		return nil
	}
	if _, err := fmt.Sscan(s, f.value.Addr().Interface()); err != nil {
		return fmt.Errorf("%q is not a %s", s, f.value.Kind())
	}
	return nil
}

// flagValue makes a field a pflag.Value.
type flagValue struct{ f field }

func (v flagValue) Set(s string) error { return v.f.set(s) }

func (v flagValue) String() string {
	if !v.f.value.IsValid() {
		return ""
	}
	if list, ok := v.f.value.Interface().([]string); ok {
		return strings.Join(list, ",")
	}
	return fmt.Sprint(v.f.value.Interface())
}

func (v flagValue) Type() string {
	if v.f.value.Type() == reflect.TypeFor[time.Duration]() {
		return "duration"
	}
	if v.f.value.Kind() == reflect.Slice {
		return "list"
	}
	return v.f.value.Kind().String()
}
