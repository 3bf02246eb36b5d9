// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cosmossdk.io/math"

	"github.com/athnet/ath/offchain/indexer/api"
	leases "github.com/athnet/ath/x/leases/types"
)

const (
	// indexerTimeout is how long an Indexer may take before the chain is asked instead.
	indexerTimeout = 2 * time.Second
	// maxIndexerAnswer bounds what is read of an answer.
	maxIndexerAnswer = 1 << 20
)

// Indexer asks an Indexer over REST.
type Indexer struct {
	base string
	http *http.Client
}

// NewIndexer takes the URL of an Indexer.
func NewIndexer(base string) (*Indexer, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("indexer %q: want a URL such as https://indexer.example.com", base)
	}
	return &Indexer{base: strings.TrimRight(base, "/"), http: &http.Client{Timeout: indexerTimeout}}, nil
}

// indexerQuery is the question in the Indexer's JSON; a duration is text such as "2h0m0s".
type indexerQuery struct {
	Requirement leases.Requirement `json:"requirement"`
	MaxRate     math.Int           `json:"max_rate"`
	PriceDenom  string             `json:"price_denom"`
	Tenant      string             `json:"tenant"`
	Limit       uint32             `json:"limit"`
	Duration    string             `json:"duration"`
	Mode        string             `json:"mode"`
}

// Find implements Market.
func (x *Indexer) Find(ctx context.Context, q Query) (Answer, error) {
	body, err := json.Marshal(indexerQuery{Requirement: q.Requirement, MaxRate: q.MaxRate, PriceDenom: q.Denom, Tenant: q.Tenant, Limit: q.Limit, Duration: q.Duration.String(), Mode: q.Mode.Word()})
	if err != nil {
		return Answer{}, fmt.Errorf("ask the Indexer: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, x.base+"/v1/match", bytes.NewReader(body))
	if err != nil {
		return Answer{}, fmt.Errorf("ask the Indexer: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := x.http.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("ask the Indexer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 512)) // only to say more; the status is the answer
		return Answer{}, fmt.Errorf("ask the Indexer: it answered %s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	var got api.MatchResponse
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxIndexerAnswer)).Decode(&got); err != nil {
		return Answer{}, fmt.Errorf("read the Indexer's answer: %w", err)
	}
	if len(got.Candidates) == 0 {
		return Answer{}, &Problem{Text: "the Indexer knows no free Container that fits", Remedy: got.Reason, Err: ErrNoMatch}
	}
	a := Answer{Quote: got.Quote, Source: "the Indexer", Denom: q.Denom}
	for _, c := range got.Candidates {
		if c.Rate.IsNil() || !c.Rate.IsPositive() || c.Denom != q.Denom {
			return Answer{}, fmt.Errorf("read the Indexer's answer: Container %d costs %s%s", c.ContainerId, c.Rate, c.Denom)
		}
		a.Candidates = append(a.Candidates, Candidate{ID: c.ContainerId, Rate: c.Rate})
	}
	return a, nil
}
