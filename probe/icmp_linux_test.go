package probe_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rrwatch/probe"
)

func TestSaysWhatToDoWhereNoSocketIsAllowed(t *testing.T) {
	inNamespace(t)
	if !dropRawNetwork(t) {
		t.Skip("this machine keeps the capability")
	}
	var p probe.Pinger
	defer p.Close()
	a := p.ICMP(probe.ICMPOptions{})(t.Context(), alone("127.0.0.1"))
	if a.Verdict != probe.Inconclusive || a.Reason != probe.OwnNetwork {
		t.Errorf("got %+v", a)
	}
	for _, word := range []string{"ping_group_range", "CAP_NET_RAW"} {
		if !strings.Contains(a.Detail, word) {
			t.Errorf("the detail does not name %s: %s", word, a.Detail)
		}
	}
}

// Both types of socket are asked the same, in a network of the test's own.
func TestNamesWhatTheNetworkSays(t *testing.T) {
	for _, kind := range []string{"raw", "datagram"} {
		t.Run(kind, func(t *testing.T) {
			inNamespace(t)
			if kind == "datagram" {
				allowDatagrams(t)
			}
			behindARouter(t)
			p := pinger(t)
			if got := socketKind(t); got != kind {
				t.Fatalf("the socket is %q", got)
			}
			for addr, want := range map[string]struct {
				reason probe.Reason
				detail string
				size   int
			}{
				"10.9.0.2":      {},
				"fd09::2":       {},
				"fe80::9%v0":    {},
				"198.51.100.1":  {probe.Unreachable, "host unreachable, says 10.9.0.2", 0},
				"203.0.113.1":   {probe.Unreachable, "administratively prohibited by a filter, says 10.9.0.2", 0},
				"198.18.0.1":    {probe.Unreachable, "time to live exceeded on the way (a routing loop?), says 10.9.0.", 0},
				"192.0.2.1":     {probe.AnswerTimeout, "no echo within ", 0},
				"10.9.0.77":     {probe.Unreachable, "host unreachable, says 10.9.0.1", 0},
				"172.31.0.1":    {probe.Unreachable, "packet too large for the way (fragmentation needed), says 10.9.0.2", 1400},
				"10.9.0.3":      {probe.OwnNetwork, "make its size smaller", 1472},
				"192.88.99.1":   {probe.Unreachable, "no route to this host", 0},
				"192.88.98.1":   {probe.OwnNetwork, "", 0},
				"fd10::1":       {probe.Unreachable, "no route to the address, says fd09::2", 0},
				"fd11::1":       {probe.Unreachable, "administratively prohibited, says fd09::2", 0},
				"fd12::1":       {probe.Unreachable, "packet too large for the way, says fd09::2", 1400},
				"fd09::77":      {probe.Unreachable, "address unreachable, says fd09::1", 0},
				"2001:db8::123": {probe.OwnNetwork, "", 0},
			} {
				timeout := soon
				if want.reason == probe.AnswerTimeout {
					timeout = 200 * time.Millisecond
				}
				a := ask(t, p.ICMP(probe.ICMPOptions{Size: want.size}), alone(addr).Addr, timeout)
				if a.Reason != want.reason || !strings.Contains(a.Detail, want.detail) {
					t.Errorf("%s: got %s, %q (%s), want %q (%s)", addr, a.Verdict, a.Reason, a.Detail, want.reason, want.detail)
				}
				if (a.Verdict == probe.Inconclusive) != (want.reason == probe.OwnNetwork) {
					t.Errorf("%s: the verdict is %s", addr, a.Verdict)
				}
				checkHarmless(t, a.Detail)
			}
		})
	}
}

// The kernel hands the trouble of one echo to whoever uses the socket next.
func TestTheTroubleOfOneTargetIsNotAnothers(t *testing.T) {
	for _, kind := range []string{"raw", "datagram"} {
		t.Run(kind, func(t *testing.T) {
			inNamespace(t)
			if kind == "datagram" {
				allowDatagrams(t)
			}
			behindARouter(t)
			f := pinger(t).ICMP(probe.ICMPOptions{Size: 1400})
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			defer cancel()
			f(ctx, alone("10.9.0.2")) // the first ones would wait in a short queue for its hardware address
			var wg sync.WaitGroup
			for n := range 400 {
				addr, want := "10.9.0.2", probe.Reason("")
				if n%10 == 0 { // no more: a kernel sends 50 messages of trouble at once (net.ipv4.icmp_msgs_burst)
					addr, want = fmt.Sprintf("172.31.0.%d", n/10), probe.Unreachable // too large for the way there
				}
				wg.Go(func() {
					if a := f(ctx, alone(addr)); a.Reason != want {
						t.Errorf("%s: got %+v", addr, a)
					}
				})
			}
			wg.Wait()
		})
	}
}

// inNamespace puts the rest of the test into a network of its own, with a
// loopback only. What the test itself opens and starts is there; what its
// goroutines open is not.
func inNamespace(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("the command ip is missing")
	}
	runtime.LockOSThread() // for ever: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skip("no network namespace can be made: ", err)
	}
	if err := ip(t.Context(), "link set lo up"); err != nil {
		t.Fatal(err)
	}
}

// ip runs commands of the ip command in this thread's namespace.
func ip(ctx context.Context, commands ...string) error {
	cmd := exec.CommandContext(ctx, "ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip: %w: %s (of %s)", err, out, strings.Join(commands, "; "))
	}
	return nil
}

// sysctl sets kernel settings of this thread's namespace, each as key=value.
func sysctl(settings ...string) error {
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		if err := os.WriteFile("/proc/sys/net/"+key, []byte(value), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func allowDatagrams(t *testing.T) {
	t.Helper()
	if err := sysctl("ipv4/ping_group_range=0 2147483647"); err != nil {
		t.Skip(err)
	}
}

// socketKind is the type of the ICMP socket that is open in the namespace.
func socketKind(t *testing.T) string {
	t.Helper()
	for file, kind := range map[string]string{"icmp": "datagram", "raw": "raw"} {
		table, err := os.ReadFile("/proc/thread-self/net/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(table), "\n") > 1 {
			return kind
		}
	}
	return ""
}

// dropRawNetwork takes CAP_NET_RAW from the test's thread.
func dropRawNetwork(t *testing.T) bool {
	t.Helper()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		t.Fatal(err)
	}
	data[0].Effective &^= 1 << unix.CAP_NET_RAW
	return unix.Capset(&header, &data[0]) == nil
}

// behindARouter adds another namespace, with routes to all sorts of trouble:
// the way of the world, on one machine.
func behindARouter(t *testing.T) {
	t.Helper()
	router, do := elsewhere(t)
	err := errors.Join(
		ip(t.Context(), fmt.Sprintf("link add v0 mtu 1450 type veth peer name v1 mtu 1450 netns %d", router)),
		do(func() error {
			return errors.Join(
				sysctl("ipv4/ip_forward=1", "ipv6/conf/all/forwarding=1", "ipv4/icmp_ratelimit=0", "ipv6/icmp/ratelimit=0",
					"ipv4/conf/all/rp_filter=0", "ipv4/conf/v1/rp_filter=0", "ipv4/conf/all/send_redirects=0", "ipv4/conf/v1/send_redirects=0"),
				ip(t.Context(),
					"link set v1 up", "addr add 10.9.0.2/24 dev v1", "addr add fd09::2/64 dev v1 nodad", "addr add fe80::9/64 dev v1 nodad",
					"link add x0 mtu 1300 type veth peer name x1", "link set x0 up", "link set x1 up",
					"route add 172.31.0.0/16 dev x0", "route add fd12::/64 dev x0",
					"route add unreachable 198.51.100.0/24", "route add prohibit 203.0.113.0/24", "route add blackhole 192.0.2.0/24",
					"route add 198.18.0.0/15 via 10.9.0.1", // and back again
					"route add unreachable fd10::/64", "route add prohibit fd11::/64"))
		}),
		ip(t.Context(),
			"link set v0 up", "addr add 10.9.0.1/24 dev v0", "addr add fd09::1/64 dev v0 nodad",
			"route add default via 10.9.0.2", "route add unreachable 192.88.99.0/24", "route add prohibit 192.88.98.0/24",
			"route add fd10::/14 via fd09::2"),
		sysctl("ipv4/ip_forward=1", "ipv4/conf/all/accept_local=1", "ipv4/conf/all/rp_filter=0", "ipv4/conf/v0/rp_filter=0",
			"ipv4/conf/v0/send_redirects=0", "ipv4/conf/all/send_redirects=0",
			"ipv4/neigh/v0/retrans_time_ms=50", "ipv6/neigh/v0/retrans_time_ms=50"))
	if err != nil {
		t.Skip("this machine cannot play the network: ", err)
	}
}

// elsewhere is a thread in a namespace of its own, until the test ends: its id,
// and a way to run something there.
func elsewhere(t *testing.T) (thread int, do func(func() error) error) {
	t.Helper()
	work, results, ended := make(chan func() error), make(chan error), make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // for ever: the thread ends with this
		for f := range work {
			results <- f()
		}
	}()
	t.Cleanup(func() {
		close(work)
		<-ended
	})
	do = func(f func() error) error {
		work <- f
		return <-results
	}
	err := do(func() error {
		thread = unix.Gettid()
		return unix.Unshare(unix.CLONE_NEWNET)
	})
	if err != nil {
		t.Skip("no network namespace can be made: ", err)
	}
	return thread, do
}
