package main

import (
	"net/http"

	"rrwatch/config"
	"rrwatch/probe"
)

// httpOptions is how an http or https check is asked, and what passes.
func httpOptions(c config.Check, dial probe.Dial) probe.HTTPOptions {
	h := c.HTTP
	o := probe.HTTPOptions{
		Version: httpVersion(h.Version), Method: h.Method, Host: c.Host, Path: h.Path, Header: headerOf(h.Headers, h.BasicAuth), Send: h.Send.Reveal(),
		Status: statusRanges(h.Status), ExpectHeader: h.ExpectHeaders, Body: h.Body, BodyRegexp: h.BodyRegexp, JSON: h.JSON,
		MaxBody: h.MaxBody, Follow: h.Follow, Dial: dial,
	}
	if e := c.Excused; e != nil {
		o.Excuse = &probe.Excuse{Header: e.Header, Value: e.Value, Status: statusRanges(e.Status)}
	}
	if c.Kind == config.KindHTTPS {
		o.TLS = securedOf(c, dial)
	} else {
		o.FollowTLS = securedOf(c, dial)
	}
	return o
}

// headerOf are headers as they are sent, with who asks; auth nil: nobody.
func headerOf(headers map[string]config.Secret, auth *config.BasicAuth) http.Header {
	h := http.Header{}
	for name, value := range headers {
		h.Set(name, value.Reveal())
	}
	if auth != nil {
		(&http.Request{Header: h}).SetBasicAuth(auth.User, auth.Password.Reveal())
	}
	return h
}

func statusRanges(ranges []config.StatusRange) []probe.StatusRange {
	var all []probe.StatusRange
	for _, r := range ranges {
		all = append(all, probe.StatusRange{From: r.Low, To: r.High})
	}
	return all
}

func httpVersion(v config.HTTPVersion) probe.HTTPVersion {
	switch v {
	case config.HTTP2:
		return probe.HTTP2
	case config.HTTPAuto:
		return probe.HTTPAuto
	case config.HTTP11:
	}
	return probe.HTTP1
}
