package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"rrwatch/config"
	"rrwatch/probe"
)

// answers asks one address every check of a configuration.
func answers(t *testing.T, checks string, at netip.Addr) []probe.Answer {
	t.Helper()
	text := "region: eu-central-1\nmode: act\npools:\n" +
		"  - {name: www, record: www.example.com, zone: example.com, checks: [" + checks + "]}\n"
	cfg, err := config.Parse("test.yaml", []byte(text), func(string) (string, bool) { return "sesame-open-7f3a", true })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var list []probe.Answer
	for _, c := range specs(cfg, newTools())[0].Checks {
		list = append(list, c.Probe(ctx, c.Target("www", at)))
	}
	return list
}

func TestServicesAreAskedAsConfigured(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, states := grpc.NewServer(), health.NewServer()
	states.SetServingStatus("shop.Stock", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	grpc_health_v1.RegisterHealthServer(server, states)
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	at := netip.MustParseAddrPort(listener.Addr().String())

	got := answers(t, fmt.Sprintf(`{kind: grpc, port: %d}, {kind: grpc, port: %d, service: shop.Stock}, {kind: grpc, port: %d, tls: true},
		{kind: exec, command: [/bin/sh, -c, "echo $$A $$1 $$RRWATCH_HOST; exit 1", sh, "{address}:{port}"], port: 7, host: a.example.com,
		 env: {A: "${SECRET}"}, exit: [1]},
		{kind: exec, command: [/bin/sh, -c, "exit 3"], unknown: [3]}, {kind: heartbeat, token: "${SECRET}"}`,
		at.Port(), at.Port(), at.Port()), at.Addr())
	for n, want := range []probe.Answer{
		{Verdict: probe.Pass, Detail: "the server says SERVING"},
		{Verdict: probe.Fail, Reason: probe.NotServing, Detail: "service shop.Stock says NOT_SERVING"},
		{Verdict: probe.Fail, Reason: probe.TLSHandshake, Detail: "tls: first record does not look like a TLS handshake"},
		{Verdict: probe.Pass, Detail: "[secret] 127.0.0.1:7 a.example.com"},
		{Verdict: probe.Inconclusive, Reason: probe.Internal, Detail: "the command could not tell, exit status 3"},
		{
			Verdict: probe.Inconclusive, Reason: probe.Waiting,
			Detail: "this command hears no heartbeats: they are posted to the rrwatch that runs, whose dashboard shows them",
		},
	} {
		if got[n].Phases = (probe.Phases{}); got[n] != want {
			t.Errorf("check %d: got %+v\nwant %+v", n, got[n], want)
		}
	}
}
