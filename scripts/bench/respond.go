package main

import (
	"bytes"
	"net"
)

// respond answers one request with a page and waits for the other side to end the connection. It does what a server of
// the bench needs with as little as possible: no part of an HTTP server that would answer later when the machine is busy.
func respond(conn net.Conn) {
	defer conn.Close()
	buf := make([]byte, 1024)
	n := 0
	for !bytes.Contains(buf[:n], []byte("\r\n\r\n")) {
		m, err := conn.Read(buf[n:])
		if err != nil || m == 0 { // a check of the connection alone ends here
			return
		}
		n += m
	}
	if _, err := conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")); err != nil {
		return
	}
	_, _ = conn.Read(buf)
}
