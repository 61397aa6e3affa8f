package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadsTheStatisticsOfHAProxy(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "show-stat.csv")) // of HAProxy 2.6
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseStats(string(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []stat{
		{proxy: "site", name: "FRONTEND", status: "OPEN", connections: 5},
		{proxy: "b", name: "s0", status: "DOWN", lastCheck: "L4CON", failedChecks: 1},
		{proxy: "b", name: "s1", status: "UP", lastCheck: "L7OK"},
		{proxy: "b", name: "BACKEND", status: "UP"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(stat{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestStatisticsWithoutAColumnAreRefused(t *testing.T) {
	for _, bad := range []string{
		"", "# pxname,svname,status\na,b,UP\n",
		"# pxname,svname,status,check_status,chkfail,conn_tot\na,b,UP,L7OK,x,1\n",
		"# pxname,svname,status,check_status,chkfail,conn_tot\na,b\n",
	} {
		if _, err := parseStats(bad); err == nil {
			t.Errorf("%q is read without an error", bad)
		}
	}
}

func TestAServerIsUpOnlyWhenACheckHasSaidSo(t *testing.T) {
	for _, c := range []struct {
		stat stat
		want bool
	}{
		{stat{status: "UP", lastCheck: "L7OK"}, true},
		{stat{status: "UP", lastCheck: "* L4OK"}, true},
		{stat{status: "UP", lastCheck: "INI"}, false}, // believed before any check
		{stat{status: "UP 1/3", lastCheck: "L7STS"}, false},
		{stat{status: "DOWN", lastCheck: "L7OK"}, false},
		{stat{status: "no check"}, false},
	} {
		if got := c.stat.checkedUp(); got != c.want {
			t.Errorf("%+v: got %v", c.stat, got)
		}
	}
}

func TestHAProxyTakesItsConfigurations(t *testing.T) {
	binary, err := findHAProxy()
	if errors.Is(err, errNoHAProxy) {
		t.Skip(err)
	}
	dir := t.TempDir()
	certificates, err := certify(dir, p256)
	if err != nil {
		t.Fatal(err)
	}
	o := proberOptions{targets: 3, first: firstTarget(), port: 1080, interval: 2 * time.Second, roots: certificates.root}
	texts := map[string]string{"server": answering(1080, ""), "https server": answering(1443, certificates.served)}
	for _, k := range []kind{kindTCP, kindHTTP, kindHTTPS} {
		o.kind = k
		texts[string(k)] = checking(o)
	}
	for name, text := range texts {
		file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".cfg")
		head := "global\n\tmaxconn 100\n\tstats socket " + filepath.Join(dir, "s.sock") + "\n"
		if err := os.WriteFile(file, []byte(head+text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), binary, "-c", "-f", file).CombinedOutput()
		if err != nil || strings.Contains(string(out), "[WARNING]") {
			t.Errorf("%s: %v:\n%s", name, err, out)
		}
	}
}
