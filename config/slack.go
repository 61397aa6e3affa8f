package config

import "strings"

// readSlack reads the section slack.
func readSlack(v value) (*Slack, bool) {
	s, ok := v.section()
	if !ok {
		return nil, false
	}
	slack := &Slack{Token: s.secret("token")}
	token := s.gives("token") || s.gives("token_file")
	webhook := s.gives("webhook") || s.gives("webhook_file")
	switch {
	case token && webhook:
		s.fail("token and webhook are both given", "keep one of them")
		slack.Channel = read(s, "channel", "", text)
	case token:
		slack.Channel = need(s, "channel", "write the channel that the token posts to, such as channel: alerts", text)
	case webhook:
		s.refuse([]string{"channel", "api_url"}, "does not apply to a webhook", "remove it: a webhook has its own channel")
	default:
		s.fail("has neither a token nor a webhook", "write one of them, or remove the section")
		slack.Channel = read(s, "channel", "", text)
	}
	slack.Webhook = s.secretURL("webhook")
	if slack.APIURL = read(s, "api_url", "", webURL); slack.APIURL != "" {
		slack.APIURL = strings.TrimRight(slack.APIURL, "/") + "/"
	}
	s.done()
	return slack, true
}
