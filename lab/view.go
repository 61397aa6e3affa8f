//go:build linux

package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// watched is what the dashboard of the real rrwatch says, asked inside the watcher's namespace.
type watched struct{ client *http.Client }

func newWatched() watched {
	return watched{&http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DialContext: watcher.dial, DisableKeepAlives: true}}}
}

// view is what the lab reads of /api/v1/view.
type view struct {
	Blind string `json:"blind"`
	Pools []struct {
		Members []believed `json:"members"`
		Spare   []believed `json:"spare"`
	} `json:"pools"`
}

type believed struct {
	State  string `json:"state"`
	Checks []struct {
		Health struct {
			Last struct {
				At      time.Time `json:"at"`
				Verdict string    `json:"verdict"`
			} `json:"last"`
		} `json:"health"`
	} `json:"checks"`
}

// healthy tells whether everything is believed up, by results that were sent after a time.
func (v view) healthy(after time.Time) bool {
	for _, p := range v.Pools {
		if len(p.Members) != len(addresses()) || len(p.Spare) != 1 {
			return false
		}
		for _, b := range append(p.Spare, p.Members...) {
			if !b.healthy(after) {
				return false
			}
		}
	}
	return len(v.Pools) == 1 && v.Blind == ""
}

func (b believed) healthy(after time.Time) bool {
	for _, c := range b.Checks {
		if c.Health.Last.Verdict != "pass" || !c.Health.Last.At.After(after) {
			return false
		}
	}
	return b.State == "up" && len(b.Checks) > 0
}

// failing tells whether no member answered when it was asked last.
func (v view) failing() bool {
	for _, p := range v.Pools {
		for _, b := range p.Members {
			for _, c := range b.Checks {
				if c.Health.Last.Verdict == "pass" {
					return false
				}
			}
		}
	}
	return len(v.Pools) == 1
}

// Incident is what rrwatch remembers of one outage, as its JSON API says it.
type Incident struct {
	Member  string    `json:"member"`  // the address
	Closed  time.Time `json:"closed"`  // zero while it is open
	Outcome string    `json:"outcome"` // how it ended
	Actions []struct {
		Kind   string `json:"kind"`
		Status string `json:"status"`
	} `json:"actions"`
	Diagnosis struct {
		Cause string `json:"cause"`
	} `json:"diagnosis"`
	Clock struct {
		Detect time.Duration `json:"detect"` // from the first bad result to the belief
		Whole  time.Duration `json:"whole"`  // from the first bad result to the proof that the address serves again
	} `json:"clock"`
}

func (d watched) view(ctx context.Context) (v view, err error) {
	return v, d.get(ctx, "view", &v)
}

func (d watched) incidents(ctx context.Context) ([]Incident, error) {
	var answer struct {
		Incidents []Incident `json:"incidents"`
	}
	return answer.Incidents, d.get(ctx, "incidents", &answer)
}

func (d watched) get(ctx context.Context, what string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:8080/api/v1/"+what, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask rrwatch for its %s: %w", what, err)
	}
	answer, err := d.client.Do(r)
	if err != nil {
		return fmt.Errorf("ask rrwatch for its %s: %w", what, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("ask rrwatch for its %s: it answers %s", what, answer.Status)
	}
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		return fmt.Errorf("read the %s of rrwatch: %w", what, err)
	}
	return nil
}
