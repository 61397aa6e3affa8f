//go:build !linux

package probe

import "syscall"

// choosePortLate does nothing: other systems choose the port when they bind.
func choosePortLate(string, string, syscall.RawConn) error { return nil }
