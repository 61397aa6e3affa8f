package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// call is one question under way, or one held connection.
type call struct {
	Job
	fd       int
	age      int32
	step     step
	sent     int // of the request
	heard    int // by a held connection
	head     head
	start    time.Time
	asked    time.Time // when the request was out
	deadline time.Time
	phases   Phases

	queue         *queue // nil: it has no time-out
	before, after *call
}

// step is how far a call has come.
type step uint8

const (
	connecting step = iota
	requesting
	holding
)

func (c *call) stage() stage {
	if c.step == connecting {
		return dialing
	}
	return asking
}

// start opens a connection. Whatever goes wrong is the answer.
func (e *Engine) start(job Job) {
	c := e.fresh()
	c.Job, c.fd, c.start = job, -1, time.Now()
	c.deadline = c.start.Add(job.Timeout)
	if job.Hold {
		e.held[job.Ticket] = c
	}
	e.enqueue(c)
	if err := e.dial(c); err != nil {
		e.fail(c, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(job.Addr), Err: err})
	}
}

// fresh is a call without a past.
func (e *Engine) fresh() *call {
	e.age++
	n := len(e.spare)
	if n == 0 {
		return &call{age: e.age, head: head{reader: e.reader}}
	}
	c := e.spare[n-1]
	e.spare = e.spare[:n-1]
	c.age = e.age
	return c
}

// dial begins a connection, which a later event completes.
func (e *Engine) dial(c *call) error {
	family := unix.AF_INET6
	if c.Addr.Addr().Unmap().Is4() {
		family = unix.AF_INET
	}
	fd, err := rawSocket(family)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	c.fd = fd
	for len(e.calls) <= fd {
		e.calls = append(e.calls, nil)
	}
	e.calls[fd] = c
	if err := e.prepare(c); err != nil {
		return err
	}
	if err := rawConnect(fd, c.Addr); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return os.NewSyscallError("connect", err)
	}
	event := unix.EpollEvent{Fd: int32(fd), Pad: c.age, Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET}
	return os.NewSyscallError("epoll_ctl", rawEpollAdd(e.epoll, fd, event))
}

// prepare sets what must stand before the connection does.
func (e *Engine) prepare(c *call) error {
	var err error
	if c.Hold {
		err = c.keepAlive()
	} else { // as abort does: end with a reset and leave no port in TIME_WAIT
		err = rawLinger(c.fd)
	}
	if err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if source := c.Plain.source; source.IsValid() {
		return bindSource(c.fd, source, c.Addr.Addr())
	}
	return nil
}

func (c *call) keepAlive() error {
	for _, option := range []struct{ level, name, value int }{
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(holdIdle / time.Second)},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, int(holdInterval / time.Second)},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, holdCount},
	} {
		if err := unix.SetsockoptInt(c.fd, option.level, option.name, option.value); err != nil {
			return err
		}
	}
	return nil
}

func sockaddr(to netip.AddrPort) unix.Sockaddr {
	if addr := to.Addr().Unmap(); addr.Is4() {
		return &unix.SockaddrInet4{Port: int(to.Port()), Addr: addr.As4()}
	}
	return &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16(), ZoneId: zone(to.Addr())}
}

// happened lets a call go on as far as it can.
func (e *Engine) happened(c *call, events uint32) {
	if c.step == connecting && !e.connected(c, events) {
		return
	}
	if c.step == requesting && c.sent < len(c.Plain.request) && !e.write(c) {
		return
	}
	if events&^unix.EPOLLOUT != 0 {
		e.read(c)
	}
}

// connected reports whether the connection stands and there is more to do.
func (e *Engine) connected(c *call, events uint32) bool {
	if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		errno, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && errno != 0 {
			err = unix.Errno(errno)
		}
		if err != nil {
			e.fail(c, os.NewSyscallError("connect", err))
			return false
		}
	} else if events&unix.EPOLLOUT == 0 {
		return false
	}
	if err := c.announce(); err != nil {
		e.fail(c, err)
		return false
	}
	c.phases.Connect = time.Since(c.start)
	switch {
	case c.Hold:
		c.step = holding
		e.dequeue(c)
	case len(c.Plain.request) == 0:
		e.finish(c, Answer{Verdict: Pass})
		return false
	default:
		c.step = requesting
	}
	return true
}

// write sends the request and reports whether it is out.
func (e *Engine) write(c *call) bool {
	for c.sent < len(c.Plain.request) {
		n, err := rawWrite(c.fd, c.Plain.request[c.sent:])
		switch {
		case err == nil:
			c.sent += n
		case errors.Is(err, unix.EAGAIN):
			return false
		default:
			e.fail(c, err)
			return false
		}
	}
	c.asked = time.Now()
	return true
}

// read takes what has come until there is an answer.
func (e *Engine) read(c *call) {
	for {
		n, err := rawRead(c.fd, e.buffer[:])
		switch {
		case errors.Is(err, unix.EAGAIN):
			return
		case err == nil && n == 0:
			err = io.EOF
		}
		if c.step == holding {
			if c.heard += max(n, 0); err == nil && c.heard > holdLimit {
				err = errTalks
			}
			if err != nil {
				e.fail(c, err)
				return
			}
			continue
		}
		if e.came(c, e.buffer[:max(n, 0)], err) {
			return
		}
	}
}

// came adds to the answer, and reports whether the call is over.
func (e *Engine) came(c *call, data []byte, ended error) bool {
	if len(data) > 0 && c.phases.FirstByte == 0 {
		c.phases.FirstByte = time.Since(c.asked)
	}
	response, err := c.head.add(data, c.Plain.asked) //nolint:bodyclose // a head's body reads nothing
	switch {
	case err != nil:
		e.fail(c, err)
	case response != nil:
		a, _ := c.Plain.options.judgeHead(response)
		e.finish(c, a)
	case ended != nil:
		e.fail(c, c.head.ended(ended, c.Plain.asked))
	default:
		return false
	}
	return true
}

// fail ends a call with an error as its answer.
func (e *Engine) fail(c *call, err error) {
	c.phases.Whole = time.Since(c.start)
	e.finish(c, failed(context.Background(), c.stage(), err, c.phases))
}

// finish ends a call.
func (e *Engine) finish(c *call, a Answer) {
	c.phases.Whole = time.Since(c.start)
	a.Phases = c.phases
	e.answers = append(e.answers, Asked{Ticket: c.Ticket, Answer: a})
	e.forget(c)
}

// spareHead is the longest head whose memory is kept for another call.
const spareHead = 16 << 10

// forget closes the connection and keeps the memory.
func (e *Engine) forget(c *call) {
	e.dequeue(c)
	if c.fd >= 0 {
		e.calls[c.fd] = nil
		rawClose(c.fd)
	}
	if c.Hold {
		delete(e.held, c.Ticket)
	}
	c.head.reset()
	if cap(c.head.buf) > spareHead {
		c.head.buf = nil
	}
	*c = call{head: c.head}
	if len(e.spare) < len(e.events) {
		e.spare = append(e.spare, c)
	}
}
