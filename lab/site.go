//go:build linux

package lab

import (
	"context"
	_ "embed" // the configurations of HAProxy and rrwatch
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
)

//go:embed haproxy.cfg
var balancerConfig []byte

//go:embed rrwatch.yaml
var watcherConfig []byte

// instance is one load balancer: a HAProxy in a namespace of its own, with two backends behind it.
type instance struct {
	id       string
	net      namespace // its name too
	number   byte      // of its network, 10.99.number.0/24
	zone     string
	balancer *process
	backends []*http.Server
}

// newInstances returns the three instances: the first two will carry an address, the third is a standby.
func newInstances() []*instance {
	var list []*instance
	for n, zone := range []string{"eu-central-1a", "eu-central-1b", "eu-central-1a"} {
		list = append(list, &instance{
			id: fmt.Sprintf("i-0000000000000000%d", n+1), net: namespace(fmt.Sprintf("lb-%d", n+1)),
			number: byte(11 + n), zone: zone,
		})
	}
	return list
}

func (i *instance) private() netip.Addr { return netip.AddrFrom4([4]byte{10, 99, i.number, 2}) }

// startSite starts the backends and load balancers of all instances.
func (w *world) startSite(ctx context.Context) error {
	file := filepath.Join(w.dir, "haproxy.cfg")
	if err := os.WriteFile(file, balancerConfig, 0o600); err != nil {
		return fmt.Errorf("write the configuration of HAProxy: %w", err)
	}
	for _, i := range w.instances {
		page := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprintln(rw, "served by", i.net) })
		for _, port := range []string{"8001", "8002"} {
			server, err := w.serve(ctx, i.net, "127.0.0.1:"+port, page)
			if err != nil {
				return err
			}
			i.backends = append(i.backends, server)
		}
		var err error
		if i.balancer, err = i.net.start(ctx, w.dir, "haproxy", []string{"-db", "-f", file}, nil); err != nil {
			return err
		}
		w.atEnd(i.balancer.kill)
	}
	return nil
}

// killBackends ends all backends of the instance; its HAProxy stays.
func (i *instance) killBackends() error {
	var errs []error
	for _, b := range i.backends {
		errs = append(errs, b.Close())
	}
	return errors.Join(errs...)
}
