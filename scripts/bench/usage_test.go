package main

import (
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestReadsTheCPUTimeThatTheSystemCounts(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads another process's use of the machine on Linux only")
	}
	for end := time.Now().Add(20 * time.Millisecond); time.Now().Before(end); { // there must be something to count
	}
	before, err := readUsage(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	var all unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &all); err != nil {
		t.Fatal(err)
	}
	after, err := readUsage(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// The system counts user and system time in whole microseconds each.
	counted := time.Duration(all.Utime.Nano() + all.Stime.Nano())
	if before.cpu <= 0 || counted < before.cpu-2*time.Microsecond || counted > after.cpu+2*time.Microsecond {
		t.Errorf("read %s and then %s; the system counted %s between", before.cpu, after.cpu, counted)
	}
	if after.resident < 1<<20 || after.resident > 1<<34 || after.share > after.resident {
		t.Errorf("this test uses %d bytes, its share %d; that cannot be", after.resident, after.share)
	}
}

func TestAProcessThatIsGoneHasNoUsage(t *testing.T) {
	if _, err := readUsage(1<<22 + 1); err == nil { // above the largest process id
		t.Error("read the usage of no process")
	}
}

func TestReadsASizeByItsName(t *testing.T) {
	const text = "55d0-7ffd ---p 00000000 00:00 0    [rollup]\nRss:                9012 kB\nPss:                4051 kB\nPss_Dirty:   1 kB\n"
	for name, want := range map[string]int64{"Rss:": 9012 << 10, "Pss:": 4051 << 10} {
		if got, err := parseSize(text, name); err != nil || got != want {
			t.Errorf("%s got %d and error %v, want %d", name, got, err, want)
		}
	}
	for _, bad := range []string{"", "Rss: kB\n", "Rss: 1 MB\n", "Rss: many kB\n"} {
		if _, err := parseSize(bad, "Rss:"); err == nil {
			t.Errorf("%q is read without an error", bad)
		}
	}
}
