package probe

import (
	"errors"
	"syscall"
)

// isolated reports whether a router said that the host is isolated (ICMP type 3,
// code 8), for which only Linux has an error of its own.
func isolated(err error) bool { return errors.Is(err, syscall.ENONET) }
