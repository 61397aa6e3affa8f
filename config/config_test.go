package config

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// smallest is the smallest useful file.
const smallest = `region: eu-central-1
mode: observe
pools:
  - name: www
    record: www.example.com
    zone: example.com
    checks:
      - kind: http
`

// noEnv is an environment without variables.
func noEnv(string) (string, bool) { return "", false }

// envOf is an environment of these variables.
func envOf(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

// mustParse reads a file that has no mistakes.
func mustParse(t *testing.T, text string, env func(string) (string, bool)) *Config {
	t.Helper()
	c, err := Parse("rrwatch.yaml", []byte(text), env)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// errorsOf returns the mistakes that err is made of.
func errorsOf(t *testing.T, err error) Errors {
	t.Helper()
	var all Errors
	if !errors.As(err, &all) || len(all) == 0 {
		t.Fatalf("got %v (%T), want Errors", err, err)
	}
	return all
}

func TestFillsInTheDefaultsOfTheSmallestFile(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Mode: ModeObserve, Database: "rrwatch.db", Vantage: host, Discover: time.Minute, Lease: LeaseNone,
		AWS:       AWS{Region: "eu-central-1"},
		Log:       Log{Level: slog.LevelInfo, Format: LogText},
		Web:       Web{Listen: "127.0.0.1:8080", URL: "http://127.0.0.1:8080"},
		Budget:    Budget{PerHour: 10, PerDay: 30},
		Retention: Retention{Journal: 90 * 24 * time.Hour, Cron: "17 3 * * *"},
		Pools: []Pool{{
			Name: "www", Record: "www.example.com", ZoneName: "example.com", Mode: ModeObserve, AWS: AWS{Region: "eu-central-1"},
			Instances: Instances{Tags: map[string]string{"rrwatch": "www"}, Address: AddressAuto},
			Checks: []Check{{
				Kind: KindHTTP, Name: "http", Port: 80, Host: "www.example.com", Tripwire: true,
				HTTP:     &HTTP{Path: "/", Method: "GET", Version: HTTP11, Status: []StatusRange{{200, 399}}},
				Interval: 5 * time.Second, Timeout: 2 * time.Second, Recheck: 500 * time.Millisecond,
				Fall: 3, Clear: 1, Rise: 2,
			}},
			Remedy: []Remedy{RemedyRemap, RemedyWithdraw}, VerifyWithin: 30 * time.Second, Cooldown: 5 * time.Minute,
			RestoreAfter: time.Minute, MinHealthy: 1, Budget: Budget{PerHour: 4, PerDay: 12}, MemberBudget: Budget{PerHour: 4, PerDay: 8},
			Flapping: Flapping{Falls: 4, Within: 30 * time.Minute},
		}},
	}
	got := mustParse(t, smallest, noEnv)
	if got.Retention.Schedule == nil {
		t.Error("the retention has no schedule")
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{}), cmpopts.IgnoreFields(Retention{}, "Schedule")); diff != "" {
		t.Error(diff)
	}
}

// everything says something other than the default with every key.
const everything = `region: us-gov-west-1
mode: propose
database: /var/lib/rrwatch.db
vantage: berlin
discover: 2m
lease: dns
log: {level: debug, format: json}
aws: {profile: ops, role_arn: "arn:aws-us-gov:iam::123456789012:role/ops/rrwatch", external_id: "${PW}", endpoint_url: "http://127.0.0.1:4566/"}
web: {listen: ":9090", password: "${PW}$$"}
slack: {token: "xoxb-1", channel: C1, api_url: "http://127.0.0.1:1/api"}
references: [1.1.1.1:443, "[2606:4700::1111]:443"]
budget: {per_hour: 3, per_day: 4}
retention: {incidents: 1d12h, journal: 60d, cron: "@daily"}
maintenance: [{pools: [all], cron: "0 3 * * SUN", for: 90m, timezone: Europe/Berlin}]
pools:
  - name: a
    record: A.Example.COM.
    zone: /hostedzone/Z0123456789ABC
    mode: act
    aws: {region: us-gov-east-1, role_arn: "arn:aws-us-gov:iam::210987654321:role/rrwatch"}
    name_servers: [192.0.2.53:53]
    instances: {ids: [i-0123456789abcdef0], tags: {team: "", "a b": c}, address: private, secondary_addresses: true}
    checks:
      - {kind: https, path: "/?a=b", method: POST, host: b.example.com, headers: {x-token: "${PW}"}, status: [200, 301-302],
         body: ok, interval: 1s, fall: 1, clear: 2, rise: 3}
      - {kind: https, port: 8443, name: https-2, recheck: 250ms, timeout: 100ms}
      - kind: https
      - {kind: tcp, port: "${PORT}", interval: 200ms, tripwire: false, source: 192.0.2.7}
      - {kind: tls}
    remedy: [withdraw]
    verify_within: 1m
    cooldown: 0s
    restore_after: 1h
    min_healthy: 2
    budget: {per_hour: 2, per_day: 3}
    member_budget: {per_hour: 1, per_day: 2}
    remedy_when: {partial: [withdraw], zone: [withdraw, remap], instance: [remap], process: [], unknown: []}
    restore: [{weight: 10%, for: 5m}, {weight: "${PART}", for: 1d}, {weight: 100%}]
    failback: {after: 7d}
    flapping: {falls: 2, within: 24h}
`

func TestReadsEveryKey(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	const second = time.Second
	timing := Check{Tripwire: true, Interval: 5 * second, Timeout: 2 * second, Recheck: second / 2, Fall: 3, Clear: 1, Rise: 2}
	web := timing
	web.Kind, web.Port, web.Host = KindHTTPS, 443, "a.example.com"
	web.HTTP = &HTTP{Path: "/", Method: "GET", Version: HTTP11, Status: []StatusRange{{200, 399}}}
	web.TLS = &TLS{Min: TLS12, WarnDays: 14}
	first, second2, third, tcp, tls := web, web, web, timing, timing
	first.Name, first.Host = "https", "b.example.com"
	first.HTTP = &HTTP{
		Path: "/?a=b", Method: "POST", Version: HTTP11, Body: "ok", Headers: map[string]Secret{"X-Token": "geheim"},
		Status: []StatusRange{{200, 200}, {301, 302}},
	}
	first.Interval, first.Timeout, first.Fall, first.Clear, first.Rise = second, second, 1, 2, 3
	second2.Name, second2.Port, second2.Recheck, second2.Timeout = "https-2", 8443, second/4, second/10
	third.Name = "https-3"
	tcp.Kind, tcp.Name, tcp.Port = KindTCP, "tcp", 993
	tcp.Interval, tcp.Timeout, tcp.Recheck = second/5, second/5, second/5
	tcp.Tripwire, tcp.Source = false, netip.MustParseAddr("192.0.2.7")
	tls.Kind, tls.Name, tls.Port, tls.Host, tls.TLS = KindTLS, "tls", 443, "a.example.com", web.TLS
	want := &Config{
		Mode: ModePropose, Database: "/var/lib/rrwatch.db", Vantage: "berlin", Discover: 2 * time.Minute, Lease: LeaseDNS,
		Log: Log{Level: slog.LevelDebug, Format: LogJSON},
		AWS: AWS{
			Region: "us-gov-west-1", Profile: "ops", RoleARN: "arn:aws-us-gov:iam::123456789012:role/ops/rrwatch",
			ExternalID: "geheim", EndpointURL: "http://127.0.0.1:4566",
		},
		Web:        Web{Listen: ":9090", URL: "http://localhost:9090", Password: "geheim$"},
		Slack:      &Slack{Token: "xoxb-1", Channel: "C1", APIURL: "http://127.0.0.1:1/api/"},
		References: []netip.AddrPort{netip.MustParseAddrPort("1.1.1.1:443"), netip.MustParseAddrPort("[2606:4700::1111]:443")},
		Budget:     Budget{PerHour: 3, PerDay: 4},
		Retention:  Retention{Incidents: 36 * time.Hour, Journal: 60 * 24 * time.Hour, Cron: "@daily"},
		Maintenance: []Maintenance{{
			Pools: []string{"all"}, Cron: "0 3 * * SUN", For: 90 * time.Minute, Location: berlin,
		}},
		Pools: []Pool{{
			Name: "a", Record: "a.example.com", ZoneID: "Z0123456789ABC", Mode: ModeAct,
			AWS: AWS{
				Region: "us-gov-east-1", Profile: "ops", RoleARN: "arn:aws-us-gov:iam::210987654321:role/rrwatch",
				EndpointURL: "http://127.0.0.1:4566",
			},
			NameServers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")},
			Instances: Instances{
				IDs: []string{"i-0123456789abcdef0"}, Tags: map[string]string{"team": "", "a b": "c"}, Address: AddressPrivate, SecondaryAddresses: true,
			},
			Checks: []Check{first, second2, third, tcp, tls},
			Remedy: []Remedy{RemedyWithdraw}, VerifyWithin: time.Minute, RestoreAfter: time.Hour, MinHealthy: 2,
			Budget: Budget{PerHour: 2, PerDay: 3}, MemberBudget: Budget{PerHour: 1, PerDay: 2},
			RemedyWhen: map[Cause][]Remedy{
				CausePartial: {RemedyWithdraw}, CauseZone: {RemedyWithdraw, RemedyRemap}, CauseInstance: {RemedyRemap},
				CauseProcess: {}, CauseUnknown: {},
			},
			Restore:  []RestoreStep{{Weight: 10, For: 5 * time.Minute}, {Weight: 50, For: 24 * time.Hour}, {Weight: 100}},
			Failback: 7 * 24 * time.Hour, Flapping: Flapping{Falls: 2, Within: 24 * time.Hour},
		}},
	}
	got := mustParse(t, everything, envOf(map[string]string{"PW": "geheim", "PORT": "993", "PART": "50%"}))
	diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateComparable(netip.AddrPort{}),
		cmpopts.IgnoreFields(Retention{}, "Schedule"), cmpopts.IgnoreFields(Maintenance{}, "Schedule", "Location"),
		cmp.Transformer("reveal", Secret.Reveal))
	if diff != "" {
		t.Error(diff)
	}
	if loc := got.Maintenance[0].Location; loc.String() != berlin.String() {
		t.Errorf("the window is in %v", loc)
	}
}

func TestAnchorsAndMergesStandForWhatTheyName(t *testing.T) {
	c := mustParse(t, `region: eu-central-1
mode: act
pools:
  - &www
    name: www
    record: www.example.com
    zone: example.com
    checks: &checks [{kind: tcp, port: 80}]
    cooldown: 1m
  - <<: *www
    name: api
    record: api.example.com
  - name: ftp
    record: ftp.example.com
    zone: example.com
    checks: *checks
`, noEnv)
	if len(c.Pools) != 3 || c.Pools[1].Name != "api" || c.Pools[1].Cooldown != time.Minute || c.Pools[2].Checks[0].Port != 80 {
		t.Errorf("got %+v", c.Pools)
	}
}

func TestAnEmptyTextIsAKeyLeftOut(t *testing.T) {
	text := strings.Replace(smallest, "    checks:", "    mode: \"\"\n    checks:", 1) +
		"vantage: \"\"\ndatabase: ${NOTHING}\nweb: {password: \"\", url: \"\"}\n"
	c := mustParse(t, text, envOf(map[string]string{"NOTHING": ""}))
	if c.Vantage == "" || c.Database != "rrwatch.db" || c.Web.Password != "" || c.Web.URL == "" || c.Pools[0].Mode != ModeObserve {
		t.Errorf("got %+v", c)
	}
}

func TestAKeyBesideAMergeWins(t *testing.T) {
	text := strings.Replace(smallest, "    checks:", "    instances: {tags: {<<: {a: merged, b: merged}, a: own}}\n    checks:", 1)
	c := mustParse(t, text, noEnv)
	if diff := cmp.Diff(map[string]string{"a": "own", "b": "merged"}, c.Pools[0].Instances.Tags); diff != "" {
		t.Error(diff)
	}
}

func TestTheRetentionRunsInUTC(t *testing.T) {
	c := mustParse(t, smallest, noEnv)
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.FixedZone("far", 5*3600))
	want := time.Date(2026, 1, 2, 3, 17, 0, 0, time.UTC)
	if got := c.Retention.Schedule.Next(noon); !got.Equal(want) {
		t.Errorf("the next run is at %v, want %v", got.UTC(), want)
	}
}

func TestListensWhereItIsTold(t *testing.T) {
	for listen, url := range map[string]string{
		"127.0.0.1:0":       "http://127.0.0.1:0",
		"localhost:80":      "http://localhost:80",
		"0.0.0.0:8080":      "http://localhost:8080",
		"[::]:8080":         "http://localhost:8080",
		"Mon.example.com:1": "http://Mon.example.com:1",
	} {
		c := mustParse(t, smallest+"web: {listen: \""+listen+"\"}\n", noEnv)
		if c.Web.Listen != listen || c.Web.URL != url {
			t.Errorf("got %+v, want %s and %s", c.Web, listen, url)
		}
	}
}
