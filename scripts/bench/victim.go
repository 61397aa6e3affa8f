package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// idleAfter is when a connection over which nothing came is one that somebody holds.
const idleAfter = 100 * time.Millisecond

// victim is a server that is made to be killed. It says when it listens, and when somebody holds an idle connection.
func victim(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("victim: want one argument, the address to listen on")
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", args[0])
	if err != nil {
		return fmt.Errorf("victim: %w", err)
	}
	defer listener.Close()
	say := newSpeaker(out)
	if err := say.say(word{Ready: true}); err != nil {
		return err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go suffer(conn, say)
		}
	}()
	return obey(ctx, in, func(string) error { return nil })
}

// suffer answers a request, however late it comes.
func suffer(conn net.Conn, say *speaker) {
	first := make([]byte, 1)
	_ = conn.SetReadDeadline(time.Now().Add(idleAfter))
	_, err := conn.Read(first)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		_ = say.say(word{Idle: true}) // when nobody listens any more, this process ends too
		_ = conn.SetReadDeadline(time.Time{})
		_, err = conn.Read(first)
	}
	if err != nil {
		conn.Close()
		return
	}
	respond(conn)
}
