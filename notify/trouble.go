package notify

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"
)

var errNotSlack = errors.New("the answer is not Slack's; check slack.api_url and any proxy on the way")

// fixIn is how often a wrong configuration is tried again.
const fixIn = time.Minute

// code is Slack's own word for what is wrong; empty for other errors.
func code(err error) string {
	refusal, _ := errors.AsType[slack.SlackErrorResponse](err)
	return refusal.Err
}

// is reports whether Slack answered with one of the codes.
func is(err error, codes ...string) bool {
	c := code(err)
	return c != "" && slices.Contains(codes, c)
}

// status is the HTTP status of a refusal that is not in Slack's own words; 0
// for other errors.
func status(err error) int {
	refusal, _ := errors.AsType[slack.StatusCodeError](err)
	return refusal.Code
}

// misshapen reports whether Slack refused the message itself, rather than us
// or the channel.
func misshapen(err error) bool {
	return status(err) == http.StatusBadRequest || is(err, "invalid_blocks", "invalid_blocks_format", "invalid_attachments",
		"msg_blocks_too_long", "msg_too_long", "too_many_attachments", "invalid_arguments")
}

// trouble makes of an error one that says what was being done and what to do
// next, when to try again, and none of the secrets.
func (s *Slack) trouble(doing string, err error) error {
	if err == nil {
		return nil
	}
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return &Retry{After: limited.RetryAfter, Err: fmt.Errorf("%s: %w", doing, err)}
	}
	if advice := s.advice(err); advice != "" {
		return &Retry{After: fixIn, Fix: true, Err: fmt.Errorf("%s: %w: %s", doing, s.scrub(err), advice)}
	}
	return fmt.Errorf("%s: %w", doing, s.scrub(err))
}

// advice says what a person must do; empty when waiting may help. The codes
// are those of docs.slack.dev/reference/methods/chat.postMessage and of
// docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
func (s *Slack) advice(err error) string {
	switch code(err) {
	case "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive":
		return "Slack does not accept the bot token; install the Slack app again and put its new bot token into slack.token"
	case "missing_scope", "no_permission", "not_allowed_token_type":
		return "the bot token may not post; give the Slack app the scope chat:write, install it again, and set slack.token to a bot token (xoxb-…)"
	case "channel_not_found":
		return fmt.Sprintf("Slack shows this bot no channel %q; correct slack.channel, or invite the bot if the channel is private", s.o.Channel)
	case "not_in_channel":
		return fmt.Sprintf("the bot is not in the channel %q; invite it there, or give the Slack app the scope chat:write.public", s.o.Channel)
	case "is_archived":
		return fmt.Sprintf("the channel %q is archived; unarchive it or set slack.channel to another one", s.o.Channel)
	case "restricted_action", "restricted_action_read_only_channel", "ekm_access_denied", "team_access_not_granted":
		return fmt.Sprintf("the workspace does not let this bot post in %q; ask its administrators, or set slack.channel to another one", s.o.Channel)
	}
	switch status(err) {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return "rrwatch follows no redirect with a secret; check slack.webhook or slack.api_url, and any proxy on the way"
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		if s.o.Token != "" {
			return "this is no address of Slack's API that we may use; check slack.api_url and any proxy on the way"
		}
		return "Slack no longer accepts the incoming webhook; create a new one and put it into slack.webhook"
	}
	if u, ok := errors.AsType[*url.Error](err); ok && u.Op == "parse" {
		return "correct slack.webhook or slack.api_url"
	}
	return ""
}

// scrub drops the URL from an error, which with a webhook is a secret, and
// whatever else of it tells a secret.
func (s *Slack) scrub(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		if u.Op == "parse" {
			// What is wrong with a URL is told by quoting it.
			return errors.New("this is not a URL")
		}
		err = u.Err
	}
	text := err.Error()
	hidden := text
	for _, secret := range s.secrets() {
		hidden = strings.ReplaceAll(hidden, secret, "[secret]")
	}
	if hidden != text {
		return errors.New(hidden)
	}
	return err
}

// secrets lists the secrets in the forms in which an error could tell them,
// the longest first.
func (s *Slack) secrets() []string {
	var list []string
	for _, secret := range []string{s.o.Webhook, s.o.Token} {
		if secret != "" {
			list = append(list, secret, url.QueryEscape(secret))
		}
	}
	if u, err := url.Parse(s.o.Webhook); err == nil && len(u.Path) > 1 {
		list = append(list, u.Path, strings.TrimPrefix(u.Path, "/"))
	}
	return list
}
