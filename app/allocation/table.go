// SPDX-License-Identifier: Apache-2.0

// Package allocation makes the genesis half of the supply out of a table: who gets which part of the cap, and when it is free.
// It is pure: a file's bytes in, accounts and balances out.
package allocation

import (
	"fmt"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec/address"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// Release says when a category's coins become free, counted from the start of the network. Months are calendar months in UTC.
type Release struct {
	// Steps are parts that become free at once; together with nothing linear they sum to one.
	Steps []Step
	// LinearFrom and LinearTo are the months between which what Steps leave becomes free, second by second.
	LinearFrom, LinearTo int
}

// Step is a part that becomes free at once.
type Step struct {
	Month int
	PPM   int64
}

// Category is one line of the design's table.
type Category struct {
	Name string
	// PPM of the cap.
	PPM int64
	Release
}

// categories are the design's table; with the DAO's 7.5% they are half of the cap. The file says who, never how much or when.
var categories = []Category{
	{"development", 75_000, Release{Steps: []Step{{0, 500_000}}, LinearFrom: 0, LinearTo: 24}},
	{"team", 125_000, Release{LinearFrom: 18, LinearTo: 54}},
	{"advisors", 50_000, Release{LinearFrom: 18, LinearTo: 54}},
	{"investors", 115_000, Release{LinearFrom: 12, LinearTo: 36}},
	{"airdrop", 60_000, Release{Steps: []Step{{0, 250_000}, {8, 250_000}, {16, 500_000}}}},
}

// Total is what a category gets, in uath.
func (c Category) Total() math.Int {
	return math.NewInt(athtypes.Cap / athtypes.PPM).MulRaw(c.PPM)
}

// Beneficiary is one account of a category.
type Beneficiary struct {
	Address string
	Share   uint64
	line    int
}

// Table is a data file that has been read and checked.
type Table struct {
	Start         time.Time
	Beneficiaries map[string][]Beneficiary
}

// maxBeneficiaries bounds the file: above it a genesis file is slower to load than a node's start should be.
const maxBeneficiaries = 100_000

// maxShare keeps the product of a share with a category's total far from overflow.
const maxShare = 1_000_000_000_000

type fileError struct {
	name string
	line int
	text string
}

func (e fileError) Error() string { return fmt.Sprintf("%s:%d: %s", e.name, e.line, e.text) }

// Parse reads a data file; every error says the file's name and the line.
func Parse(name string, data []byte) (Table, error) {
	fail := func(node *yaml.Node, format string, args ...any) error {
		return fileError{name, max(1, node.Line), fmt.Sprintf(format, args...)}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return Table{}, fmt.Errorf("%s: %w", name, err) // yaml's own errors name the line
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return Table{}, fail(&doc, "want a mapping of start and categories")
	}
	table := Table{Beneficiaries: make(map[string][]Beneficiary)}
	known := make(map[string]bool)
	for _, c := range categories {
		known[c.Name] = true
	}
	seen := make(map[string]int) // address → line
	root := doc.Content[0]
	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		switch {
		case key.Value == "start":
			start, err := time.Parse(time.RFC3339, value.Value)
			if err != nil || start.Unix() <= 0 || start.Nanosecond() != 0 {
				return Table{}, fail(value, "start is %q; want whole seconds such as 2027-01-01T00:00:00Z", value.Value)
			}
			table.Start = start.UTC()
		case !known[key.Value]:
			return Table{}, fail(key, "no category %q; there are %s", key.Value, names())
		case table.Beneficiaries[key.Value] != nil:
			return Table{}, fail(key, "%s is listed twice", key.Value)
		default:
			list, err := parseList(value, seen, fail)
			if err != nil {
				return Table{}, err
			}
			table.Beneficiaries[key.Value] = list
		}
	}
	if table.Start.IsZero() {
		return Table{}, fail(root, "start is missing")
	}
	for _, c := range categories {
		if len(table.Beneficiaries[c.Name]) == 0 {
			return Table{}, fail(root, "%s has no beneficiaries", c.Name)
		}
	}
	return table, nil
}

func parseList(list *yaml.Node, seen map[string]int, fail func(*yaml.Node, string, ...any) error) ([]Beneficiary, error) {
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		return nil, fail(list, "want a list of {address, share}")
	}
	if len(seen)+len(list.Content) > maxBeneficiaries {
		return nil, fail(list, "more than %d beneficiaries", maxBeneficiaries)
	}
	var all []Beneficiary
	for _, item := range list.Content {
		b := Beneficiary{line: item.Line}
		if item.Kind != yaml.MappingNode {
			return nil, fail(item, "want {address: ath1…, share: 1}")
		}
		for i := 0; i < len(item.Content); i += 2 {
			key, value := item.Content[i], item.Content[i+1]
			switch key.Value {
			case "address":
				b.Address = value.Value
			case "share":
				if err := value.Decode(&b.Share); err != nil {
					return nil, fail(value, "share is %q; want a whole number", value.Value)
				}
			default:
				return nil, fail(key, "no field %q; there are address and share", key.Value)
			}
		}
		if b.Share < 1 || b.Share > maxShare {
			return nil, fail(item, "share is %d; 1 to %d", b.Share, int64(maxShare))
		}
		raw, err := address.NewBech32Codec(athtypes.Bech32Prefix).StringToBytes(b.Address)
		if err != nil {
			return nil, fail(item, "address %q: %s", b.Address, err)
		}
		// One stock vesting account has one schedule.
		if line, twice := seen[string(raw)]; twice {
			return nil, fail(item, "%s is in line %d already; an account has one schedule", b.Address, line)
		}
		seen[string(raw)] = item.Line
		all = append(all, b)
	}
	return all, nil
}

func names() string {
	all := []string{"start"}
	for _, c := range categories {
		all = append(all, c.Name)
	}
	return strings.Join(all, ", ")
}
