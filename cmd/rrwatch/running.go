package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rrwatch/config"
	"rrwatch/failover"
)

// running is the rrwatch that runs with a configuration, as a person on the
// command line asks it.
type running struct {
	url      string
	password string
	by       string // who asks
}

func runningWith(cfg *config.Config, by string) running {
	return running{url: reachable(cfg.Web.Listen), password: cfg.Web.Password.Reveal(), by: by}
}

// asPerson is the running rrwatch for a command that changes something, which
// needs a name.
func asPerson(c *cobra.Command) (running, error) {
	by, err := c.Flags().GetString("by")
	if err != nil {
		return running{}, err
	}
	if by = strings.TrimSpace(by); by == "" {
		by = login()
	}
	if by == "" {
		return running{}, errors.New(`say who you are: --by NAME; the journal keeps it`)
	}
	if strings.Contains(by, ":") {
		return running{}, fmt.Errorf("--by %q: a name has no colon, by which it is told from the password", by)
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return running{}, err
	}
	return runningWith(cfg, by), nil
}

// addBy gives a command the flag that says who acts.
func addBy(c *cobra.Command) {
	c.Flags().String("by", "", "who does this (default: your login's name)")
}

// login is the name under which this person logged in; empty: not known. Behind
// sudo it is the person, not root.
func login() string {
	for _, key := range []string{"SUDO_USER", "USER", "LOGNAME"} {
		if name := os.Getenv(key); name != "" {
			return name
		}
	}
	return ""
}

// view is the present state of everything.
func (r running) view(ctx context.Context) (*failover.View, error) {
	var view failover.View
	if err := r.do(ctx, http.MethodGet, "/api/v1/view", nil, &view); err != nil {
		return nil, err
	}
	return &view, nil
}

// order has something done and says what was done.
func (r running) order(c *cobra.Command, path string, order map[string]string) error {
	order["by"] = r.by
	var answer struct{ Done string }
	if err := r.do(c.Context(), http.MethodPost, path, order, &answer); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.OutOrStdout(), answer.Done)
	return err
}

// answersWithin is how long the running rrwatch may take.
const answersWithin = 10 * time.Second

// do asks and reads the answer into the value.
func (r running) do(ctx context.Context, method, path string, order map[string]string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	var body io.Reader = http.NoBody
	if order != nil {
		text, err := json.Marshal(order)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, r.url+path, body)
	if err != nil {
		return err
	}
	if order != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if r.password != "" {
		request.SetBasicAuth(r.by, r.password)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("no rrwatch runs at %s: %w; start it with `rrwatch run`, or give with --config the file that it runs with", r.url, errors.Unwrap(err))
	}
	defer response.Body.Close()
	return r.read(response, into)
}

// answerLimit is the most that an answer says, in bytes.
const answerLimit = 64 << 20

func (r running) read(response *http.Response, into any) error {
	text, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", r.url, err)
	}
	var refusal struct{ Error string }
	switch {
	case response.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("the rrwatch at %s has another password than web.password of this file", r.url)
	case response.StatusCode == http.StatusOK && json.Unmarshal(text, into) == nil:
		return nil
	case json.Unmarshal(text, &refusal) == nil && refusal.Error != "":
		return fmt.Errorf("refused: %s", strings.TrimSuffix(refusal.Error, "."))
	}
	return fmt.Errorf("%s answered %s, but not as rrwatch does; does something else, or another version, listen there?", r.url, response.Status)
}
