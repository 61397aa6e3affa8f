package simulator_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/google/go-cmp/cmp"

	"rrwatch/simulator"
)

// ask sends a request to the simulator's own paths and returns the status and the JSON that came back.
func ask(t *testing.T, h http.Handler, method, path, body string, edit ...func(*http.Request)) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:4566"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:50000"
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	out := map[string]any{}
	if err := json.NewDecoder(w.Body).Decode(&out); err != nil {
		t.Fatalf("%s %s: status %d: %v", method, path, w.Code, err)
	}
	return w.Code, out
}

// noFaults is what a healthy AWS shows.
func noFaults(but map[string]any) map[string]any {
	all := map[string]any{
		"down": false, "busy": 0.0, "deny": map[string]any{}, "throttle": map[string]any{}, "lose": map[string]any{},
		"latency": "0s", "lag": "0s", "sync": "0s", "one_at_a_time": false,
		"limits": false, "impaired": map[string]any{}, "unhealthy": map[string]any{},
	}
	maps.Copy(all, but)
	return all
}

func TestFaultsAreSwitchedAndShownOverHTTP(t *testing.T) {
	a := account(simulator.Options{})
	a.AddHealthCheck(simulator.HealthCheck{ID: "check-1"})
	h := a.Switchable()
	for _, c := range []struct {
		method, body string
		want         map[string]any
	}{
		{"GET", "", nil},
		{"POST", `{"down": true, "throttle": {"AssociateAddress": 3}}`, map[string]any{"down": true, "throttle": map[string]any{"AssociateAddress": 3.0}}},
		{"POST", `{"down": false}`, map[string]any{"throttle": map[string]any{"AssociateAddress": 3.0}}},
		{"POST", `{"throttle": {"AssociateAddress": 0, "GetChange": 1}}`, map[string]any{"throttle": map[string]any{"GetChange": 1.0}}},
		{"DELETE", "", nil},
		{"POST", `{"busy": 2, "latency": "300ms", "lag": "5s"}`, map[string]any{"busy": 2.0, "latency": "300ms", "lag": "5s"}},
		{"DELETE", "", nil},
		{"POST", `{"sync": "1m", "one_at_a_time": true, "limits": true}`, map[string]any{"sync": "1m0s", "one_at_a_time": true, "limits": true}},
		{"DELETE", "", nil},
		{"POST", `{"impaired": {"` + first + `": true}, "unhealthy": {"check-1": true}}`,
			map[string]any{"impaired": map[string]any{first: true}, "unhealthy": map[string]any{"check-1": true}}},
		{"DELETE", "", nil},
		{"POST", `{"deny": {"GetCallerIdentity": true}, "lose": {"DescribeAddresses": 1}}`,
			map[string]any{"deny": map[string]any{"GetCallerIdentity": true}, "lose": map[string]any{"DescribeAddresses": 1.0}}},
		{"POST", `{"deny": {"GetCallerIdentity": false}}`, map[string]any{"lose": map[string]any{"DescribeAddresses": 1.0}}},
		{"DELETE", "", nil},
	} {
		status, got := ask(t, h, c.method, simulator.FaultsPath, c.body)
		if diff := cmp.Diff(noFaults(c.want), got); diff != "" || status != http.StatusOK {
			t.Errorf("%s %s: status %d\n%s", c.method, c.body, status, diff)
		}
	}
}

func TestASwitchedFaultIsMetAndAWSIsServedBesideIt(t *testing.T) {
	a := account(simulator.Options{})
	server := httptest.NewServer(a.Switchable())
	defer server.Close()
	c := sdk(a)
	c.HTTPClient, c.BaseEndpoint = server.Client(), &server.URL
	client := ec2.NewFromConfig(c)
	if _, got := ask(t, a.Switchable(), "POST", simulator.FaultsPath, `{"throttle": {"DescribeAddresses": 1}}`); got["errors"] != nil {
		t.Fatal(got)
	}
	_, err := client.DescribeAddresses(t.Context(), nil)
	wantCode(t, err, "RequestLimitExceeded")
	if _, err := client.DescribeAddresses(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestMistakesInFaultsAreAllToldAndNothingIsSwitched(t *testing.T) {
	h := account(simulator.Options{}).Switchable()
	for body, want := range map[string][]string{
		`down`: {`write the faults as a JSON object`},
		`null`: {`write the faults as a JSON object`},
		`{"down": true} {}`: {
			`write the faults as a JSON object`},
		`{"down": true, "dwon": true}`: {`"dwon": there is no such fault; there are busy, deny, down, impaired,`},
		`{"down": "yes", "busy": -1, "lag": 5, "latency": "-5s"}`: {
			`"busy": -1: write how many calls`, `"down": "yes": write true or false`, `"lag": 5: write a time`, `"latency": "-5s": write a time`},
		`{"down": true, "throttle": {"AssociateAdress": 1, "GetChange": "x"}}`: {
			`"throttle": "AssociateAdress": there is no such action`, `"throttle": "GetChange": "x": write how many`},
		`{"impaired": {"i-none": true}, "unhealthy": {"none": true}}`: {
			`"impaired": "i-none": there is no such instance`, `"unhealthy": "none": there is no such health check`},
		"{\"down\": true, \"lose\": [\n1]}": {`"lose": [1]: write an object`},
		`{"down": null}`:                    {`"down": null: write true`},
	} {
		status, got := ask(t, h, "POST", simulator.FaultsPath, body)
		said, _ := got["errors"].([]any)
		if status != http.StatusBadRequest || len(said) != len(want) {
			t.Errorf("%s: status %d, %v; want %d sentences", body, status, got, len(want))
			continue
		}
		for i, w := range want {
			if !strings.HasPrefix(said[i].(string), w) {
				t.Errorf("%s: said %q, want %q…", body, said[i], w)
			}
		}
	}
	if _, got := ask(t, h, "GET", simulator.FaultsPath, ""); !cmp.Equal(got, noFaults(nil)) {
		t.Errorf("a refused order switched something: %v", got)
	}
}

func TestFaultsAreForThisMachineAlone(t *testing.T) {
	h := account(simulator.Options{}).Switchable()
	for name, c := range map[string]struct {
		edit   func(*http.Request)
		status int
	}{
		"from this machine":          {func(*http.Request) {}, http.StatusOK},
		"by name":                    {func(r *http.Request) { r.Host = "localhost:4566" }, http.StatusOK},
		"by IPv6":                    {func(r *http.Request) { r.Host, r.RemoteAddr = "[::1]:4566", "[::1]:50000" }, http.StatusOK},
		"from another machine":       {func(r *http.Request) { r.RemoteAddr = "192.0.2.1:50000" }, http.StatusForbidden},
		"by a stranger's name":       {func(r *http.Request) { r.Host = "aws.example.com:4566" }, http.StatusForbidden},
		"from a page of elsewhere":   {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden},
		"from a page, says its host": {func(r *http.Request) { r.Header.Set("Origin", "http://example.com") }, http.StatusForbidden},
		"another path":               {func(r *http.Request) { r.URL.Path = "/_simulator/fault" }, http.StatusNotFound},
		"another method":             {func(r *http.Request) { r.Method = http.MethodPut }, http.StatusMethodNotAllowed},
	} {
		status, got := ask(t, h, "POST", simulator.FaultsPath, `{}`, c.edit)
		if _, refused := got["errors"]; status != c.status || refused != (status != http.StatusOK) {
			t.Errorf("%s: status %d, want %d: %v", name, status, c.status, got)
		}
	}
}
