// Package config reads rrwatch.yaml strictly: it reports every mistake of the file at once, each with its
// place, the path of its key and what to write instead. It holds plain data only; other packages' policies are
// made from it elsewhere.
package config

import (
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/robfig/cron/v3"
)

// Config is the whole configuration file with all defaults filled in. It is never changed after it was read, so
// it may be shared between goroutines; its slices and maps must not be written to.
type Config struct {
	Mode        Mode             // what a pool may do that does not say otherwise; always set
	Database    string           // path of the SQLite file, relative to the working directory
	Vantage     string           // the name of the place that probes are sent from; never empty
	Discover    time.Duration    // how often the world is read while no incident is open, at least 100 ms
	Log         Log              // how rrwatch logs
	Lease       Lease            // how several watchers agree on which of them acts; always set
	AWS         AWS              // whose account is asked where, for pools that do not say otherwise
	Web         Web              // where the dashboard listens
	Slack       *Slack           // where people are told; nil when the section is absent
	References  []netip.AddrPort // addresses that should always answer TCP; may be empty
	Budget      Budget           // automatic actions over all pools
	Retention   Retention        // how long things are remembered
	Maintenance []Maintenance    // windows in which pools are watched and nothing is changed
	Pools       []Pool           // at least one; names and records are unique
}

// Mode is how far rrwatch may go by itself.
type Mode string

// The modes, from the most careful to the one that acts.
const (
	ModeObserve Mode = "observe" // watch and tell, plan nothing to be done
	ModePropose Mode = "propose" // watch, tell and propose; a person approves
	ModeAct     Mode = "act"     // watch, tell and act
)

// Log says how rrwatch logs.
type Log struct {
	Level  slog.Level // lowest level that is written; default info
	Format LogFormat  // default text
}

// LogFormat is the form of a log line.
type LogFormat string

// The log formats, named after the handlers of log/slog.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Lease says how several watchers of the same pools agree on which of them acts.
type Lease string

// The leases.
const (
	LeaseNone Lease = "none" // there is no other watcher
	LeaseDNS  Lease = "dns"  // a TXT record set beside each pool's record says who acts
)

// Web says where the dashboard listens.
type Web struct {
	Listen   string // host:port; port 0 takes a free one; default 127.0.0.1:8080
	URL      string // how links in alerts begin, without a slash at its end; default http://LISTEN
	Password Secret // empty: no password was given
}

// Slack says where people are told. Either Token and Channel are set, or Webhook is.
type Slack struct {
	Token   Secret // bot token; empty with a webhook
	Channel string // channel name or id that the bot posts to; empty with a webhook
	Webhook Secret // incoming webhook URL; empty with a token
	APIURL  string // base URL of Slack's API with a slash at its end; empty: Slack's own
}

// Budget limits automatic actions; beyond it the brake latches. Both numbers are at least 1.
type Budget struct {
	PerHour int // actions within any 60 minutes
	PerDay  int // actions within any 24 hours
}

// Retention says how long things are remembered. A duration of 0 means for ever.
type Retention struct {
	Incidents time.Duration // closed incidents and their journal entries; default 0
	Journal   time.Duration // journal entries that belong to no incident; default 90 days
	Cron      string        // when old things are removed, as written in the file
	Schedule  cron.Schedule // Cron, parsed; in UTC; never nil
}

// Pool is one published DNS name, with everything that serves it and the policy for it.
type Pool struct {
	Name         string           // lower-case letters, digits and hyphens; unique
	Record       string           // the published DNS name, lower-case, without a dot at its end
	ZoneName     string           // the hosted zone's name, lower-case, without a dot at its end; empty when ZoneID is set
	ZoneID       string           // the hosted zone's id, such as Z0123456789ABCDEFGHIJ; empty when ZoneName is set
	Mode         Mode             // the file's mode unless the pool has its own
	AWS          AWS              // the account and Region of the addresses, the instances and the zone; the file's unless the pool says otherwise
	NameServers  []netip.AddrPort // authoritative servers to ask; empty: the zone's own
	Instances    Instances        // which instances may carry the pool's addresses
	Checks       []Check          // at least one; names are unique in the pool
	Endpoints    []Endpoint       // pages that are asked for as users do; may be empty
	Remedy       []Remedy         // remedies in the order in which they are tried; at least one, none twice
	VerifyWithin time.Duration    // an action that is not proven within this time is unproven; at least 1 s
	Cooldown     time.Duration    // a member is not touched again within this time; may be 0
	RestoreAfter time.Duration    // a withdrawn member must have been Up this long before it comes back; may be 0
	MinHealthy   int              // with fewer healthy members than this nothing is withdrawn; at least 1
	Budget       Budget           // automatic actions on this pool
	MemberBudget Budget           // automatic actions on each of its addresses; not above Budget

	RemedyWhen map[Cause][]Remedy // remedies for a cause, where they are others than Remedy; an empty list: nothing is done
	Restore    []RestoreStep      // steps by which a withdrawn weighted address comes back; empty: at once
	Failback   time.Duration      // an address goes back to an instance healthy for so long, 1 minute to 7 days; 0: never
	Flapping   Flapping           // when an address counts as flapping
}

// Instances says which EC2 instances belong to a pool: those in IDs, and those that carry every tag of Tags. At
// least one of the two is not empty.
type Instances struct {
	IDs     []string          // instance ids
	Tags    map[string]string // tag keys and values, all of which an instance must carry
	Address Address           // where a standby is probed

	// SecondaryAddresses says that the instances answer on the secondary private addresses of their primary network
	// interface, too, so that one of them may carry several of the pool's addresses.
	SecondaryAddresses bool
}

// Address is which address of a standby is probed.
type Address string

// The addresses that a standby may be probed on.
const (
	AddressAuto    Address = "auto"    // the public address if there is one, else the private one
	AddressPublic  Address = "public"  // the public address only
	AddressPrivate Address = "private" // the private address only
)

// Remedy is a way to answer an incident.
type Remedy string

// The remedies.
const (
	RemedyRemap    Remedy = "remap"    // move the address to a standby
	RemedyWithdraw Remedy = "withdraw" // take the address out of DNS
)

// Maintenance is a repeated window in which pools are watched and nothing is changed.
type Maintenance struct {
	Pools    []string       // pool names, or "all"; at least one
	Cron     string         // when a window starts, as written in the file
	For      time.Duration  // how long a window lasts, 1 minute to 31 days
	Location *time.Location // whose wall clock Cron speaks of; never nil
	Schedule cron.Schedule  // Cron, parsed, on a wall clock that is written as UTC; use Covers
}

// allPools is the word that stands for every pool in a maintenance window; no pool may have it as its name.
const allPools = "all"

// Includes reports whether the window is for the pool of that name.
func (m Maintenance) Includes(pool string) bool {
	return slices.Contains(m.Pools, pool) || slices.Contains(m.Pools, allPools)
}
