package simulator

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
)

// A door is one address at which one load balancer can be reached. An Elastic IP is routed and not proxied: a connection
// to it is a connection of the instance itself. A door is shut, and never turned, when its address leads elsewhere.
type door struct {
	net.Listener
	mu    *sync.Mutex // the fleet's; guards conns and shut
	lb    *lb
	conns map[*conn]struct{}
	shut  bool
}

// Accept waits for the next connection of a client.
func (d *door) Accept() (net.Conn, error) {
	for {
		raw, err := d.Listener.Accept()
		if err != nil {
			return nil, err // as it is: http.Server looks at its type
		}
		if c, ok := d.admit(raw); ok {
			return c, nil
		}
	}
}

// admit takes a new connection in, unless the door was shut after the kernel had let it in.
func (d *door) admit(raw net.Conn) (*conn, bool) {
	c := &conn{Conn: raw, door: d, gone: make(chan struct{})}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut {
		c.reset()
		return nil, false
	}
	c.silent.Store(d.lb.fault().silent())
	d.conns[c] = struct{}{}
	return c, true
}

// bar closes the listener and resets every connection. The caller holds the lock.
func (d *door) bar() error {
	d.shut = true
	for c := range d.conns {
		c.reset()
	}
	clear(d.conns)
	if err := d.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the listener on %s: %w", d.Addr(), err)
	}
	return nil
}

// silence stops all answers of the connections that are open. The caller holds the lock.
func (d *door) silence() {
	for c := range d.conns {
		c.silent.Store(true)
	}
}

// resetSilent ends the connections that were silenced: whoever was silent comes back as a new process, which does not
// know them. The caller holds the lock.
func (d *door) resetSilent() {
	for c := range d.conns {
		if c.silent.Load() {
			c.reset()
			delete(d.conns, c)
		}
	}
}

// A conn is one connection of a client. A silent one takes whatever the client sends and gives nothing back, not even
// the end of the connection, until the client gives up or the connection is reset.
type conn struct {
	net.Conn
	door   *door
	silent atomic.Bool
	once   sync.Once
	gone   chan struct{} // closed when the client has gone or the connection is over
}

// Read gives what the client sent; of a silent connection only its end.
func (c *conn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			c.over() // lets a Write of a silent connection end too
		}
		if err != nil || !c.silent.Load() {
			return n, err // as it is: http.Server looks at its type
		}
	}
}

// Write sends to the client; on a silent connection it waits for the end instead.
func (c *conn) Write(p []byte) (int, error) {
	if c.silent.Load() {
		<-c.gone
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}

// Close ends the connection in good order.
func (c *conn) Close() error {
	c.over()
	c.door.mu.Lock()
	delete(c.door.conns, c)
	c.door.mu.Unlock()
	return c.Conn.Close()
}

// reset ends the connection as the kernel does for a dead process: with a TCP RST.
func (c *conn) reset() {
	if l, ok := c.Conn.(interface{ SetLinger(sec int) error }); ok {
		_ = l.SetLinger(0) // fails only on a connection that is over already
	}
	_ = c.Conn.Close()
	c.over()
}

func (c *conn) over() { c.once.Do(func() { close(c.gone) }) }
