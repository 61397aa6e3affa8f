package probe

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A socket whose buffer is full tells how much it has dropped.
func TestTheKernelTellsWhatItDropped(t *testing.T) {
	opened, id, err := openICMP(false, netip.Addr{})
	if err != nil {
		t.Skip(err)
	}
	s := opened.(*linuxSocket)
	defer s.Close()
	self := netip.MustParseAddr("127.0.0.1")
	err = s.conn.Control(func(fd uintptr) { err = set(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 1) }) // the least there is
	if err != nil {
		t.Fatal(err)
	}
	var token [tokenSize]byte
	send := func() {
		t.Helper()
		if err := s.send(echoRequest(false, id, 7, token, 1400), self); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		send()
	}
	if err := s.file.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		send() // the next one that has room brings the number
		h, err := s.receive()
		if err != nil {
			t.Fatal(err)
		}
		if h.id != id || h.seq != 7 || h.about != self {
			continue // another test's, on a raw socket
		}
		if age := time.Since(h.at); age < 0 || age > time.Minute {
			t.Errorf("the kernel says that it came at %s", h.at)
		}
		if h.drops > 0 {
			return
		}
		if n > 200 {
			t.Fatal("nothing was told")
		}
	}
}
