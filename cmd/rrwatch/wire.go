package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/smithy-go/logging"
	"github.com/spf13/cobra"

	"rrwatch/config"
	"rrwatch/eip"
	"rrwatch/failover"
	"rrwatch/probe"
	"rrwatch/route53"
)

// loadConfig reads the file that --config names.
func loadConfig(c *cobra.Command) (*config.Config, error) {
	path, err := c.Flags().GetString("config")
	if err != nil {
		return nil, err
	}
	return config.Load(path, os.LookupEnv)
}

// newLog logs to standard error as the file says.
func newLog(cfg *config.Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.Log.Level}
	if cfg.Log.Format == config.LogJSON {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}

// heedLibraries has what libraries write to the standard logger, as HTTP/2 does
// of servers that misbehave and AWS's of its retries, logged with level debug.
// Without a logger it is thrown away.
func heedLibraries(logger *slog.Logger) {
	log.SetFlags(0)
	if logger == nil {
		log.SetOutput(io.Discard)
		return
	}
	log.SetOutput(slog.NewLogLogger(logger.Handler(), slog.LevelDebug).Writer())
}

// dialer dials addresses, never names; keep-alives are of no use to a
// connection that asks one question.
func dialer() probe.Dial {
	return (&net.Dialer{KeepAlive: -1}).DialContext
}

// specs makes the pools' policies from the configuration; their checks are
// asked with the tools.
func specs(cfg *config.Config, with tools) []*failover.Spec {
	list := make([]*failover.Spec, 0, len(cfg.Pools))
	for _, p := range cfg.Pools {
		spec := &failover.Spec{
			Name: p.Name, Record: p.Record, Zone: zoneOf(p),
			Instances: failover.Selector{
				IDs: p.Instances.IDs, Tags: p.Instances.Tags, Address: failover.AddressUse(p.Instances.Address),
				Secondary: p.Instances.SecondaryAddresses,
			},
			Policy:      policyOf(p),
			Lease:       cfg.Lease == config.LeaseDNS,
			Maintenance: maintenance(cfg, p.Name),
		}
		for _, c := range p.Checks {
			spec.Checks = append(spec.Checks, checkOf(p, c, with))
		}
		for _, e := range p.Endpoints {
			spec.Endpoints = append(spec.Endpoints, endpointOf(e, with.dial))
		}
		list = append(list, spec)
	}
	return list
}

func zoneOf(p config.Pool) string {
	if p.ZoneID != "" {
		return p.ZoneID
	}
	return p.ZoneName
}

// maintenance joins the windows that are meant for a pool.
func maintenance(cfg *config.Config, pool string) func(time.Time) (time.Time, bool) {
	return func(now time.Time) (until time.Time, in bool) {
		for _, m := range cfg.Maintenance {
			if end, covers := m.Covers(now); covers && m.Includes(pool) && end.After(until) {
				until, in = end, true
			}
		}
		return until, in
	}
}

// cloud is AWS as rrwatch uses it.
type cloud struct {
	eips        *eip.Client
	records     *zones
	credentials aws.CredentialsProvider
}

// openCloud is newCloud for a command that asks once and ends: without
// credentials it says so, and not once a call.
func openCloud(ctx context.Context, cfg *config.Config) (*cloud, error) {
	c, err := newCloud(ctx, cfg, nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, signInWithin)
	defer cancel()
	if _, err := c.credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("no AWS credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile (aws.profile), or run on a host with a role: %w", err)
	}
	return c, nil
}

// signInWithin bounds the search for credentials, which may ask a host's role.
const signInWithin = 10 * time.Second

// newCloud makes the clients. It makes no call yet, but reads the machine's
// AWS configuration.
func newCloud(ctx context.Context, cfg *config.Config, credentials aws.CredentialsProvider) (*cloud, error) {
	options := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithRegion(cfg.AWS.Region),
		awsconfig.WithRetryMode(aws.RetryModeStandard), // whatever the environment says
		awsconfig.WithAppID("rrwatch"),
		awsconfig.WithLogger(logging.StandardLogger{Logger: log.Default()}),
	}
	if cfg.AWS.Profile != "" {
		options = append(options, awsconfig.WithSharedConfigProfile(cfg.AWS.Profile))
	}
	if cfg.AWS.EndpointURL != "" {
		options = append(options, awsconfig.WithBaseEndpoint(cfg.AWS.EndpointURL))
	}
	if credentials != nil {
		options = append(options, awsconfig.WithCredentialsProvider(credentials))
	}
	loaded, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("read this machine's AWS configuration: %w; correct aws.profile or the files in ~/.aws", err)
	}
	return cloudOf(cfg, loaded, dialer()), nil
}

func cloudOf(cfg *config.Config, account aws.Config, dial probe.Dial) *cloud {
	return &cloud{
		eips: eip.New(eip.Clients(account)), records: newZones(cfg, route53.SDK(account), dial), credentials: account.Credentials,
	}
}

// zones sends each pool's record sets to the client that knows the name
// servers to ask for them. One client makes all edits, so that those of a zone
// go together, and never two at once.
type zones struct {
	byRecord map[string]*route53.Client
	editor   *route53.Client
}

var _ failover.Records = (*zones)(nil)

func newZones(cfg *config.Config, client *awsroute53.Client, dial probe.Dial) *zones {
	z := &zones{byRecord: map[string]*route53.Client{}, editor: route53.New(client, nil, dial)}
	shared := map[string]*route53.Client{}
	for _, p := range cfg.Pools {
		key := fmt.Sprint(p.NameServers)
		if shared[key] == nil {
			shared[key] = route53.New(client, p.NameServers, dial)
		}
		z.byRecord[p.Record] = shared[key]
	}
	return z
}

// Read reads the sets of a configured name.
func (z *zones) Read(ctx context.Context, zone, name string) (failover.Published, error) {
	return z.byRecord[name].Read(ctx, zone, name)
}

// Edit edits sets of configured names.
func (z *zones) Edit(ctx context.Context, edits []failover.Reweigh, comment string) []failover.Edited {
	done := make([]failover.Edited, len(edits))
	var ours []failover.Reweigh
	var at []int // where each of ours is among edits
	for n, r := range edits {
		if _, err := z.of(r); err != nil {
			done[n].Err = err
			continue
		}
		ours, at = append(ours, r), append(at, n)
	}
	for n, edited := range z.editor.Edit(ctx, ours, comment) {
		done[at[n]] = edited
	}
	return done
}

// Confirm waits until the authoritative servers answer so.
func (z *zones) Confirm(ctx context.Context, r failover.Reweigh, change string) error {
	client, err := z.of(r)
	if err != nil {
		return err
	}
	return client.Confirm(ctx, r, change)
}

// Ask asks the authoritative servers for a configured name.
func (z *zones) Ask(ctx context.Context, zone, name string, times int) ([]failover.Answer, error) {
	return z.byRecord[name].Ask(ctx, zone, name, times)
}

// of finds the client by the name that is edited: a name that no pool has
// belongs to somebody else (I10).
func (z *zones) of(r failover.Reweigh) (*route53.Client, error) {
	name := r.Was.Name
	if name == "" {
		name = r.Shall.Name
	}
	if client := z.byRecord[name]; client != nil {
		return client, nil
	}
	return nil, &failover.Refusal{Guard: failover.GuardNotOurs, Text: fmt.Sprintf("edit %s: no configured pool has this name", name)}
}
