package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// errNoHAProxy is that there is nothing to compare with.
var errNoHAProxy = errors.New("HAProxy is not installed, and the figures beside it are left out; install it from this system's packages (as root, `scripts/setup.sh bench` does)")

// findHAProxy finds the program, also where only root's PATH looks.
func findHAProxy() (string, error) {
	for _, name := range []string{"haproxy", "/usr/sbin/haproxy"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoHAProxy
}

// haproxy is a running HAProxy that can be asked for its statistics.
type haproxy struct {
	*process
	socket string
}

// startHAProxy runs HAProxy in the foreground. The configuration is written into dir under name, with a statistics socket;
// threads is 0 for as many as it thinks right.
func startHAProxy(ctx context.Context, dir, name, config string, threads int) (*haproxy, error) {
	binary, err := findHAProxy()
	if err != nil {
		return nil, err
	}
	h := &haproxy{socket: filepath.Join(dir, name+".sock")}
	var global strings.Builder
	fmt.Fprintf(&global, "global\n\tmaxconn 2000\n\tstats socket %s level admin\n", h.socket)
	if threads > 0 {
		fmt.Fprintf(&global, "\tnbthread %d\n", threads)
	}
	file := filepath.Join(dir, name+".cfg")
	if err := os.WriteFile(file, []byte(global.String()+config), 0o600); err != nil {
		return nil, fmt.Errorf("write HAProxy's configuration: %w", err)
	}
	if h.process, err = start(ctx, binary, "-db", "-f", file); err != nil {
		return nil, err
	}
	err = h.until(ctx, func(ctx context.Context) bool {
		_, err := h.command(ctx, "show info")
		return err == nil
	})
	if err != nil {
		h.end()
		return nil, err
	}
	return h, nil
}

// command asks HAProxy something over its statistics socket.
func (h *haproxy) command(ctx context.Context, line string) (string, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", h.socket)
	if err != nil {
		return "", fmt.Errorf("ask HAProxy: %w", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(answerWithin))
	if _, err := io.WriteString(conn, line+"\n"); err != nil {
		return "", fmt.Errorf("ask HAProxy: %w", err)
	}
	text, err := io.ReadAll(conn)
	if err != nil {
		return "", fmt.Errorf("ask HAProxy: %w", err)
	}
	return string(text), nil
}

func (h *haproxy) stats(ctx context.Context) ([]stat, error) {
	text, err := h.command(ctx, "show stat")
	if err != nil {
		return nil, err
	}
	return parseStats(text)
}

// healthy reports an error unless each server has answered its last check, and none was ever found to fail.
func (h *haproxy) healthy(ctx context.Context) error {
	all, err := h.stats(ctx)
	if err != nil {
		return err
	}
	servers := 0
	for _, s := range all {
		if s.name == "FRONTEND" || s.name == "BACKEND" {
			continue
		}
		servers++
		if !s.checkedUp() || s.failedChecks > 0 {
			return fmt.Errorf("HAProxy says of %s/%s: %s, last check %s, %d failed checks; want UP and a check that passed",
				s.proxy, s.name, s.status, s.lastCheck, s.failedChecks)
		}
	}
	if servers == 0 {
		return errors.New("HAProxy checks no server")
	}
	return nil
}

// accepted is how many connections a frontend of HAProxy has taken.
func (h *haproxy) accepted(ctx context.Context) (int64, error) {
	all, err := h.stats(ctx)
	if err != nil {
		return 0, err
	}
	for _, s := range all {
		if s.name == "FRONTEND" {
			return s.connections, nil
		}
	}
	return 0, errors.New("HAProxy has no frontend")
}
