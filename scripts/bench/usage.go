package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// usage is what a process has used so far.
type usage struct {
	cpu      time.Duration // user and system time of all its threads, ended ones too
	resident int64         // bytes of memory now
	share    int64         // the same, with pages that others map too divided among them (PSS)
}

// readUsage reads what another process uses. It needs Linux.
//
// CPU time is the process's own clock (clock_getcpuclockid(3)): the scheduler's sum over all threads, in nanoseconds and up
// to this moment. The ticks of /proc/PID/stat are 10 ms, /proc/PID/schedstat shows one thread, and those of its threads
// forget the ended ones. The work that the kernel does for a process in its own context (a connection's first packets on
// loopback) is in it, for every process alike.
func readUsage(pid int) (usage, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(cpuClock(pid), &ts); err != nil {
		return usage{}, fmt.Errorf("read the CPU time of process %d (this needs Linux): %w", pid, err)
	}
	u := usage{cpu: time.Duration(ts.Nano())}
	// VmRSS of /proc/PID/status is a sum of counters that lag by up to 64 pages a CPU; this is counted.
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return usage{}, fmt.Errorf("read the memory of process %d (this needs Linux): %w", pid, err)
	}
	if u.resident, err = parseSize(string(text), "Rss:"); err != nil {
		return usage{}, fmt.Errorf("read /proc/%d/smaps_rollup: %w", pid, err)
	}
	if u.share, err = parseSize(string(text), "Pss:"); err != nil {
		return usage{}, fmt.Errorf("read /proc/%d/smaps_rollup: %w", pid, err)
	}
	return u, nil
}

// cpuClock is the id of a process's CPU clock, made as clock_getcpuclockid(3) of the C library does: the complement of
// the process id above three bits that ask for the scheduler's time (2) of the whole process.
func cpuClock(pid int) int32 {
	const scheduler = 2
	return int32(^pid<<3 | scheduler)
}

// parseSize finds a line like "Rss:    1234 kB" and returns the bytes.
func parseSize(text, name string) (int64, error) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[0] != name || fields[2] != "kB" {
			continue
		}
		n, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s %w", name, err)
		}
		return n << 10, nil
	}
	return 0, fmt.Errorf("there is no line %s … kB", name)
}
