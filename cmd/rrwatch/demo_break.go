package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newDemoBreak() *cobra.Command {
	var url string
	c := &cobra.Command{
		Use:     "break INSTANCE FAULT",
		Short:   "Break an instance of the running demo: kill, hang, 503, slow or stop",
		Example: "  rrwatch demo break lb-2 hang\n  rrwatch demo break lb-3 503",
		Args:    exactly(2),
		RunE: func(c *cobra.Command, args []string) error {
			return askDemo(c, url+"/api/v1/demo/break", map[string]string{"name": args[0], "fault": args[1]})
		},
	}
	c.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		switch len(args) {
		case 0:
			return demoNames(), cobra.ShellCompDirectiveNoFileComp
		case 1:
			return demoFaults(), cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	c.Flags().StringVar(&url, "url", "http://127.0.0.1:8080", "where the demo's dashboard is")
	return c
}

func newDemoHeal() *cobra.Command {
	var url string
	c := &cobra.Command{
		Use:     "heal INSTANCE",
		Short:   "Heal an instance of the running demo",
		Example: "  rrwatch demo heal lb-2",
		Args:    exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			return askDemo(c, url+"/api/v1/demo/heal", map[string]string{"name": args[0]})
		},
		ValidArgsFunction: cobra.FixedCompletions(demoNames(), cobra.ShellCompDirectiveNoFileComp),
	}
	c.Flags().StringVar(&url, "url", "http://127.0.0.1:8080", "where the demo's dashboard is")
	return c
}

// exactly asks for n arguments and shows how they are written.
func exactly(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return fmt.Errorf("write it as in: %s", strings.TrimSpace(strings.SplitN(c.Example, "\n", 2)[0]))
	}
}

func demoNames() []string {
	var names []string
	for _, i := range demoInstances() {
		names = append(names, i.Name)
	}
	return names
}

// askDemo has the running demo do something and prints what it answered.
func askDemo(c *cobra.Command, url string, order map[string]string) error {
	ctx, cancel := context.WithTimeout(c.Context(), 10*time.Second)
	defer cancel()
	body, err := json.Marshal(order)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w; --url is where the demo's dashboard is, such as http://127.0.0.1:8080", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask the demo: %w; start it with `rrwatch demo`, or say with --url where it is", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("ask the demo: %w", err)
	}
	var answer struct{ Done, Error string }
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("%s answered %s, but not as the demo does; is it a demo?", url, response.Status)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the demo answered: %s", answer.Error)
	}
	_, err = fmt.Fprintln(c.OutOrStdout(), answer.Done)
	return err
}
