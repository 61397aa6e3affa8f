//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rrwatch/simulator"
)

// The namespaces beside those of the instances.
const (
	fabric   namespace = "fabric"   // routes between all others; the simulated AWS runs here
	user     namespace = "user"     // the site's users
	watcher  namespace = "watcher"  // rrwatch
	internet namespace = "internet" // the references
)

// world is the whole lab: the network, the site, the simulated AWS and a real rrwatch.
type world struct {
	dir       string // for files
	aws       *simulator.AWS
	instances []*instance
	watcher   *process
	routes    map[netip.Addr]string // the instance that the fabric routes an address to; owned by the follower
	fail      context.CancelCauseFunc
	ends      []func() error // what to do at the end, last one first
}

// newWorld builds a healthy world and starts rrwatch in it. It ends with close. When something breaks by itself later,
// fail is called.
func newWorld(ctx context.Context, dir string, fail context.CancelCauseFunc) (*world, error) {
	w := &world{dir: dir, fail: fail, routes: map[netip.Addr]string{}, instances: newInstances()}
	for _, build := range []func(context.Context) error{w.wire, w.serveReferences, w.startSite, w.startCloud, w.startWatcher} {
		if err := build(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("build the lab: %w", err), w.close())
		}
	}
	return w, nil
}

// atEnd has f called by close, before everything that was given to atEnd earlier.
func (w *world) atEnd(f func() error) { w.ends = append(w.ends, f) }

// close ends all that the world started.
func (w *world) close() error {
	var errs []error
	for _, end := range slices.Backward(w.ends) {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}

// addresses returns the Elastic IPs: of the first instance, whose carrier is broken, and of the second.
func addresses() []netip.Addr {
	return []netip.Addr{netip.AddrFrom4([4]byte{203, 0, 113, 11}), netip.AddrFrom4([4]byte{203, 0, 113, 12})}
}

// wire makes the namespaces and cables each to the fabric: number n has 10.99.n.2, and the fabric 10.99.n.1 beside it.
func (w *world) wire(ctx context.Context) error {
	if err := w.addNamespace(ctx, fabric); err != nil {
		return err
	}
	// Like AWS, the fabric takes no packet from an address that it would not send there.
	err := errors.Join(fabric.sysctl("net/ipv4/ip_forward", "1"), fabric.sysctl("net/ipv4/conf/all/rp_filter", "1"),
		fabric.ip(ctx, "addr add 10.99.0.1/32 dev lo"))
	if err != nil {
		return err
	}
	nodes := map[namespace]byte{user: 1, watcher: 2, internet: 3}
	for _, i := range w.instances {
		nodes[i.net] = i.number
	}
	for node, number := range nodes {
		if err := w.cable(ctx, node, number); err != nil {
			return err
		}
	}
	for _, i := range w.instances {
		for _, ip := range addresses() {
			if err := i.net.ip(ctx, "addr add "+ip.String()+"/32 dev lo"); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) addNamespace(ctx context.Context, n namespace) error {
	if err := n.add(ctx); err != nil {
		return err
	}
	w.atEnd(func() error { return n.remove(context.WithoutCancel(ctx)) })
	return nil
}

func (w *world) cable(ctx context.Context, node namespace, number byte) error {
	if err := w.addNamespace(ctx, node); err != nil {
		return err
	}
	near, far := fmt.Sprintf("10.99.%d.1", number), fmt.Sprintf("10.99.%d.2", number)
	mac := fmt.Sprintf("02:00:00:00:00:%02x", number)
	// The neighbour is written down, or the fabric would soon say that a dead one cannot be reached; AWS is silent.
	err := fabric.ip(ctx, fmt.Sprintf("link add %s type veth peer name eth0 address %s netns %s", node, mac, node),
		fmt.Sprintf("addr add %s/24 dev %s", near, node), fmt.Sprintf("link set %s up", node),
		fmt.Sprintf("neigh add %s lladdr %s dev %s nud permanent", far, mac, node))
	if err != nil {
		return err
	}
	return node.ip(ctx, "addr add "+far+"/24 dev eth0", "link set eth0 up", "route add default via "+near)
}

// serveReferences opens the addresses that should always answer.
func (w *world) serveReferences(ctx context.Context) error {
	if err := fabric.ip(ctx, "route add 198.51.100.0/24 via 10.99.3.2"); err != nil {
		return err
	}
	for n := range 3 {
		ip := fmt.Sprintf("198.51.100.%d", n+1)
		if err := internet.ip(ctx, "addr add "+ip+"/32 dev lo"); err != nil {
			return err
		}
		if _, err := w.serve(ctx, internet, ip+":443", http.NotFoundHandler()); err != nil {
			return err
		}
	}
	return nil
}

// serve serves HTTP in a namespace until the world ends.
func (w *world) serve(ctx context.Context, n namespace, address string, h http.Handler) (*http.Server, error) {
	listener, err := n.listen(ctx, address)
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			w.fail(fmt.Errorf("serve %s in the namespace %s: %w", address, n, err))
		}
	}()
	w.atEnd(server.Close)
	return server, nil
}

// startWatcher starts the real rrwatch.
func (w *world) startWatcher(ctx context.Context) error {
	if err := os.WriteFile(filepath.Join(w.dir, "rrwatch.yaml"), watcherConfig, 0o600); err != nil {
		return fmt.Errorf("write the configuration of rrwatch: %w", err)
	}
	env := []string{"HOME=" + w.dir, "AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab", "AWS_EC2_METADATA_DISABLED=true"}
	var err error
	program := filepath.Join(os.Getenv(insideKey), binary)
	w.watcher, err = watcher.start(ctx, w.dir, program, []string{"run", "--config", "rrwatch.yaml"}, env)
	if err != nil {
		return err
	}
	const endWithin = 10 * time.Second
	w.atEnd(func() error { return w.watcher.end(endWithin) })
	return nil
}
