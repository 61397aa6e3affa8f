package probe

import (
	"context"
	"net"
	"time"
)

// TCP passes when the address accepts a connection.
func TCP(dial Dial) Func {
	return func(ctx context.Context, t Target) Answer {
		start := time.Now()
		conn, err := dial(ctx, "tcp", t.Addr.String())
		took := time.Since(start)
		if err != nil {
			return failed(ctx, dialing, err, Phases{Whole: took})
		}
		abort(conn)
		return Answer{Verdict: Pass, Phases: Phases{Connect: took, Whole: took}}
	}
}

// abort ends a connection that served its purpose with a reset, so that a
// watcher which asks thousands of times leaves no port in TIME_WAIT.
func abort(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
