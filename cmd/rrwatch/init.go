package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"rrwatch/config"
)

func newInit() *cobra.Command {
	look := &scout{ports: [2]uint16{443, 80}}
	c := &cobra.Command{
		Use:   "init --name NAME",
		Short: "Look at the AWS account and write a first configuration",
		Long: `Looks in the AWS account for the zone that holds the name, its record sets, the
Elastic IPs and the instances behind them and what tags these share, asks the
addresses on ports 443 and 80, and writes a first configuration in mode observe,
with comments that say what was found. It only reads.`,
		Example: `  rrwatch init --name www.example.com > rrwatch.yaml
  rrwatch init --name www.example.com --region eu-central-1 --profile ops --output rrwatch.yaml`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			path, _ := c.Flags().GetString("output")
			if err := mayWrite(path); err != nil { // before minutes are spent on it
				return err
			}
			text, err := look.around(c.Context())
			if err != nil {
				return err
			}
			if err := writeNew(c.OutOrStdout(), path, text); err != nil {
				return err
			}
			if path == "" {
				path = "FILE"
			}
			fmt.Fprintf(c.ErrOrStderr(), "next: rrwatch check --config %s, then rrwatch run --config %s\n", path, path)
			return nil
		},
	}
	c.Flags().StringVar(&look.name, "name", "", "the published DNS name, such as www.example.com (required)")
	c.Flags().StringVar(&look.at.Region, "region", "", "the AWS Region of the addresses (default: that of the profile or the environment)")
	c.Flags().StringVar(&look.at.Profile, "profile", "", "a profile of the shared AWS configuration files")
	c.Flags().StringVar(&look.zone, "zone", "", "the hosted zone's name or id (default: the one that holds the name)")
	c.Flags().StringP("output", "o", "", "the file to write, which must not exist yet (default: standard output)")
	return c
}

// mayWrite refuses a file that exists.
func mayWrite(path string) error {
	if path == "" {
		return nil
	}
	_, err := os.Lstat(path)
	switch {
	case err == nil:
		return fmt.Errorf("%s exists, and is not overwritten: name another file with --output", path)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return fmt.Errorf("look for the file to write: %w", err)
}

// writeNew writes text to a file that does not exist, or to out without a path.
func writeNew(out io.Writer, path string, text []byte) (err error) {
	if path == "" {
		_, err = out.Write(text)
		return err
	}
	// Readable for the user that a container runs as. No secret is in it.
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Write(text); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}

// around looks at the account and returns the configuration.
func (s *scout) around(ctx context.Context) ([]byte, error) {
	if err := s.signIn(ctx); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{s.findZone, s.findCarriers, s.findFamily, s.findCheck} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	text := s.yaml()
	if _, err := config.Parse("rrwatch.yaml", text, os.LookupEnv); err != nil {
		return nil, fmt.Errorf("what was found makes no configuration that rrwatch reads; write one by rrwatch.example.yaml: %w", err)
	}
	return text, nil
}
