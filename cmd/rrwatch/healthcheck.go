package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newHealthcheck() *cobra.Command {
	var url string
	c := &cobra.Command{
		Use:     "healthcheck",
		Short:   "Ask the running rrwatch whether it is well; exit status 1 if not",
		Example: "  rrwatch healthcheck\n  rrwatch healthcheck --url http://127.0.0.1:9090/healthz",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if url == "" {
				cfg, err := loadConfig(c)
				if err != nil {
					return err
				}
				url = reachable(cfg.Web.Listen) + "/healthz"
			}
			return healthcheck(c.Context(), url)
		},
	}
	c.Flags().StringVar(&url, "url", "", "what to ask (default: /healthz at the configuration's web.listen)")
	return c
}

func healthcheck(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask whether rrwatch is well: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask whether rrwatch is well: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return fmt.Errorf("ask whether rrwatch is well: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("rrwatch is not well: %s", strings.TrimSpace(string(text)))
	}
	return nil
}
