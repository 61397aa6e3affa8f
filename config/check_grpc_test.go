package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// loneCheck reads a file with one check.
func loneCheck(t *testing.T, check string, env map[string]string) Check {
	t.Helper()
	return mustParse(t, "region: eu-central-1\nmode: act\npools:\n"+
		"  - {name: www, record: www.example.com, zone: example.com, checks: ["+check+"]}\n", envOf(env)).Pools[0].Checks[0]
}

func TestReadsAGRPCCheck(t *testing.T) {
	plain := loneCheck(t, "{kind: grpc, port: 50051}", nil)
	if diff := cmp.Diff(&GRPC{}, plain.GRPC); diff != "" || plain.TLS != nil || plain.Port != 50051 || plain.Host != "www.example.com" || !plain.Tripwire {
		t.Errorf("got %+v\n%s", plain, diff)
	}
	full := loneCheck(t, "{kind: grpc, port: 443, host: api.example.com, tls: true, min_tls: 1.3, service: shop.v1.Cart, tripwire: false}", nil)
	if diff := cmp.Diff(&GRPC{Service: "shop.v1.Cart"}, full.GRPC); diff != "" || full.TLS == nil || full.TLS.Min != TLS13 || full.TLS.WarnDays != 14 || full.Host != "api.example.com" || full.Tripwire {
		t.Errorf("got %+v\n%s", full, diff)
	}
}

func TestReportsMistakesOfAGRPCCheck(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "no port",
			old:  "kind: http",
			new:  "kind: grpc",
			want: "8:9: pools[0].checks[0].port: is missing; write the port of a grpc check, such as port: 443",
		},
		{
			name: "a key of another kind",
			old:  "kind: http",
			new:  "{kind: grpc, port: 1, path: /}",
			want: "8:31: pools[0].checks[0].path: does not apply to a grpc check; remove it, or write kind: " + owners("path"),
		},
		{
			name: "tls in words",
			old:  "kind: http",
			new:  "{kind: grpc, port: 1, tls: yes please}",
			want: `8:36: pools[0].checks[0].tls: wants true or false, not "yes please"`,
		},
		{
			name: "TLS without TLS",
			old:  "kind: http",
			new:  "{kind: grpc, port: 1, warn_days: 3}",
			want: "8:31: pools[0].checks[0].warn_days: does not apply to a grpc check without TLS; remove it, or write tls: true",
		},
		{
			name: "no name of a service",
			old:  "kind: http",
			new:  "{kind: grpc, port: 1, service: a b}",
			want: `8:40: pools[0].checks[0].service: wants the name of a service such as shop.v1.Cart, not "a b"`,
		},
	} {
		m.run(t)
	}
}
