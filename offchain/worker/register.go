// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cosmossdk.io/math"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"

	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/price"
)

// ErrNotRegistered says that the chain has no living Container with this worker's key.
var ErrNotRegistered = errors.New("this worker is not registered; run `ath-worker register`, or start it with --register")

// Registrar puts a machine on chain.
type Registrar struct {
	Client *chain.Client
	Config Config
	Key    ed25519.PrivateKey
	// Operator is the hot key's address; Owner's the provider's.
	Operator, Owner string
}

// Registration is what is going to be signed, in full, before it is.
type Registration struct {
	Owner     string
	Operator  string
	Class     string
	Count     uint32
	Stake     math.Int // uath to be bonded; zero for an update
	Container uint64   // that exists already; 0 for a new one
	Msgs      []sdk.Msg
	Steps     []string // the same for people
}

func (r Registrar) providers() providertypes.QueryClient {
	return providertypes.NewQueryClient(r.Client.Conn())
}

// Find returns this worker's living Container; ErrNotRegistered.
func (r Registrar) Find(ctx context.Context) (providertypes.ContainerView, error) {
	public := r.Key.Public().(ed25519.PublicKey)
	var page *query.PageRequest
	for {
		answer, err := r.providers().Containers(ctx, &providertypes.QueryContainersRequest{Provider: r.Owner, Pagination: page})
		if err != nil {
			return providertypes.ContainerView{}, fmt.Errorf("containers of %s: %w", r.Owner, err)
		}
		for _, c := range answer.Containers {
			if bytes.Equal(c.Container.WorkerPubkey, public) && c.Status.State != providertypes.ContainerState_CONTAINER_STATE_RETIRED {
				return c, nil
			}
		}
		if answer.Pagination == nil || len(answer.Pagination.NextKey) == 0 {
			return providertypes.ContainerView{}, ErrNotRegistered
		}
		page = &query.PageRequest{Key: answer.Pagination.NextKey}
	}
}

// Plan decides what has to be signed so that the chain says what was measured. Nothing to sign is an empty list.
func (r Registrar) Plan(ctx context.Context, m Measured) (Registration, error) {
	out := Registration{Owner: r.Owner, Operator: r.Operator, Stake: math.ZeroInt(), Count: max(1, uint32(len(m.Rented)))}
	if err := r.Config.Validate(); err != nil {
		return out, err
	}
	spec, err := m.Spec(ctx, r.Config)
	if err != nil {
		return out, err
	}
	if out.Class, err = r.class(ctx, m); err != nil {
		return out, err
	}
	tier, err := r.planProvider(ctx, &out)
	if err != nil {
		return out, err
	}
	have, err := r.Find(ctx)
	if errors.Is(err, ErrNotRegistered) {
		return out, r.planContainer(ctx, &out, m, spec, tier)
	}
	if err != nil {
		return out, err
	}
	out.Container = have.Container.Id
	if !bytes.Equal(have.Container.Fingerprint, m.Fingerprint) {
		return out, fmt.Errorf("container %d was registered on another machine or with other devices; retire it (athd tx providers retire %[1]d), run `ath-worker init` in a new home and register anew", have.Container.Id)
	}
	windows, err := r.Config.windows(have.Container.Windows)
	if err != nil {
		return out, err
	}
	if have.Container.Endpoint != r.Config.Endpoint || have.Container.Region != r.Config.Region || !slices.Equal(windows, have.Container.Windows) {
		out.Msgs = append(out.Msgs, &providertypes.MsgUpdateContainer{
			Operator: r.Owner, Id: have.Container.Id, Endpoint: r.Config.Endpoint, Connectivity: have.Container.Connectivity,
			Region: r.Config.Region, Spec: have.Container.Spec, Fingerprint: m.Fingerprint, Windows: windows,
		})
		out.Steps = append(out.Steps, fmt.Sprintf("update container %d: endpoint %s, region %s, may be leased %s", have.Container.Id, r.Config.Endpoint, r.Config.Region, providertypes.FormatWindows(windows)))
	}
	return out, nil
}

func (r Registrar) class(ctx context.Context, m Measured) (string, error) {
	if r.Config.Class != "auto" {
		return r.Config.Class, nil
	}
	answer, err := r.providers().Classes(ctx, &providertypes.QueryClassesRequest{})
	if err != nil {
		return "", fmt.Errorf("catalogue: %w", err)
	}
	return ChooseClass(answer.Classes, m.Rented)
}

// planProvider makes sure that the provider exists and that the operator may act for it.
func (r Registrar) planProvider(ctx context.Context, out *Registration) (providertypes.Tier, error) {
	tier := providertypes.Tier_TIER_EDGE
	switch r.Config.Tier {
	case "edge":
	case "enterprise":
		tier = providertypes.Tier_TIER_ENTERPRISE
	default:
		return tier, fmt.Errorf("tier %q: want edge or enterprise", r.Config.Tier)
	}
	var operators []string
	if r.Operator != r.Owner {
		operators = []string{r.Operator}
	}
	answer, err := r.providers().Provider(ctx, &providertypes.QueryProviderRequest{Owner: r.Owner})
	if status.Code(err) == codes.NotFound {
		out.Msgs = append(out.Msgs, &providertypes.MsgRegisterProvider{
			Owner: r.Owner, Operators: operators, Tier: tier, Country: r.Config.Country, Contact: r.Config.Contact,
		})
		out.Steps = append(out.Steps, fmt.Sprintf("register provider %s, tier %s, country %s", r.Owner, r.Config.Tier, r.Config.Country))
		return tier, nil
	}
	if err != nil {
		return tier, fmt.Errorf("provider %s: %w", r.Owner, err)
	}
	p := answer.Provider
	if r.Operator != r.Owner && !slices.Contains(p.Operators, r.Operator) {
		out.Msgs = append(out.Msgs, &providertypes.MsgUpdateProvider{
			Owner: r.Owner, Operators: append(slices.Clone(p.Operators), r.Operator), Payout: p.Payout, Country: p.Country, Contact: p.Contact, Domain: p.Domain,
		})
		out.Steps = append(out.Steps, "let "+r.Operator+" act for the provider")
	}
	return p.Tier, nil
}

func (r Registrar) planContainer(ctx context.Context, out *Registration, m Measured, spec providertypes.Spec, tier providertypes.Tier) error {
	answer, err := r.providers().Stake(ctx, &providertypes.QueryStakeRequest{Class: out.Class, Tier: tier, Count: out.Count})
	if err != nil {
		return fmt.Errorf("stake of class %s: %w", out.Class, err)
	}
	out.Stake = answer.Stake
	windows, err := r.Config.windows(nil)
	if err != nil {
		return err
	}
	consent := providertypes.RegistrationSignBytes(r.Client.ChainID(), r.Owner, out.Class, m.Fingerprint)
	out.Msgs = append(out.Msgs, &providertypes.MsgRegisterContainers{
		Owner: r.Owner, MaxStake: math.MaxInt(out.Stake, math.OneInt()),
		Containers: []providertypes.NewContainer{{
			Class: out.Class, Count: out.Count, Spec: spec, WorkerPubkey: r.Key.Public().(ed25519.PublicKey), Fingerprint: m.Fingerprint,
			Endpoint: r.Config.Endpoint, Connectivity: providertypes.Connectivity_CONNECTIVITY_DIRECT, Region: r.Config.Region,
			WorkerSignature: ed25519.Sign(r.Key, consent), Windows: windows,
		}},
	})
	out.Steps = append(out.Steps,
		fmt.Sprintf("register a container: class %s × %d, %d.%03d cores, %d MiB memory, %d MiB disk, %s, region %s, may be leased %s", out.Class, out.Count,
			spec.CpuMilli/1000, spec.CpuMilli%1000, spec.MemoryMib, spec.DiskMib, r.Config.Endpoint, r.Config.Region, providertypes.FormatWindows(windows)),
		fmt.Sprintf("bond %suath of %s", out.Stake, r.Owner))
	return nil
}

// What a Container costs while it runs nothing, as parts of its price: it keeps the data of a paused lease for a tenth, which is less than
// it would earn and more than a disk costs, and stands by for half, because it earns capacity meanwhile.
const storagePart, standbyPart = 10, 2

// Terms are what an operator asks for a Container, of any tenant.
type Terms struct {
	// Price on demand; its rate is zero where it can only be reserved.
	Price price.Price
	// MinTerm and MaxTerm bound the duration of a lease on demand; 0 does not.
	MinTerm, MaxTerm time.Duration
	// Reserved are the terms of a reserved lease; nil for none.
	Reserved *leasetypes.ReservedTerms
}

// Offer is the offer that says so, with a minimum charge. What the Container costs while it runs nothing follows from its price.
func (t Terms) Offer(container uint64, minCharge time.Duration) leasetypes.Offer {
	o := leasetypes.Offer{
		ContainerId: container, Denom: t.Price.Denom, Rate: t.Price.Rate, MinCharge: minCharge, MinTerm: t.MinTerm, MaxTerm: t.MaxTerm,
		StorageRate: t.Price.Rate.QuoRaw(storagePart), StandbyRate: t.Price.Rate.QuoRaw(standbyPart), Reserved: t.Reserved,
	}
	o.ReservedOnly = t.Reserved != nil && t.Price.Rate.IsZero()
	return o
}

// RemoveOffer takes the Container off the market; its open lease goes on.
func (r Registrar) RemoveOffer(ctx context.Context, sender *chain.Sender, container uint64) error {
	if _, err := sender.Send(ctx, &leasetypes.MsgRemoveOffers{Operator: sender.Address(), ContainerIds: []uint64{container}}); err != nil {
		return fmt.Errorf("remove offer of container %d: %w", container, err)
	}
	return nil
}

// SetOffer puts prices on the Container.
func (r Registrar) SetOffer(ctx context.Context, sender *chain.Sender, container uint64, terms Terms) error {
	p, err := leasetypes.NewQueryClient(r.Client.Conn()).Params(ctx, &leasetypes.QueryParamsRequest{})
	if err != nil {
		return fmt.Errorf("parameters of x/leases: %w", err)
	}
	_, err = sender.Send(ctx, &leasetypes.MsgSetOffers{Operator: sender.Address(), Offers: []leasetypes.Offer{terms.Offer(container, p.Params.MinCharge)}})
	if err != nil {
		return fmt.Errorf("set offer of container %d: %w", container, err)
	}
	return nil
}
