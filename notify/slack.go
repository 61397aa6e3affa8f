package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/time/rate"

	"rrwatch/failover"
)

const (
	callIn  = 10 * time.Second // what one call to Slack may take
	graceIn = 3 * time.Second  // what a call in flight may still take when rrwatch ends
	// Slack: "generally one message per second per channel", docs.slack.dev/apis/web-api/rate-limits.
	perMessage = time.Second
)

// SlackOptions says where and as whom Slack is told. Either Token and Channel
// are set, or Webhook.
type SlackOptions struct {
	Token   string // a bot token with the scope chat:write; secret
	Channel string // the channel's id or name
	Webhook string // an incoming webhook's URL; secret
	APIURL  string // where Slack's API is; empty: Slack's own
	BaseURL string // how links to the dashboard begin; empty: messages have no links
	HTTP    *http.Client
}

// Slack tells one Slack channel. With a bot token each incident is one message
// that is kept up to date, with its steps as replies in its thread. With an
// incoming webhook, which can change nothing, what matters most is told in
// messages of their own.
type Slack struct {
	o     SlackOptions
	api   *slack.Client
	http  *http.Client
	limit *rate.Limiter
}

var _ Teller = (*Slack)(nil)

// NewSlack returns a teller for one Slack channel. It makes no call yet. It
// follows no redirect, which could take the secrets elsewhere.
func NewSlack(o SlackOptions) *Slack {
	client := http.Client{}
	if o.HTTP != nil {
		client = *o.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if o.APIURL == "" {
		o.APIURL = slack.APIURL
	}
	o.APIURL = strings.TrimRight(o.APIURL, "/") + "/"
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	return &Slack{
		o:     o,
		http:  &client,
		api:   slack.New(o.Token, slack.OptionHTTPClient(&client), slack.OptionAPIURL(o.APIURL)),
		limit: rate.NewLimiter(rate.Every(perMessage), 1),
	}
}

// SlackName is the name of Slack's cursor.
const SlackName = "slack"

// Name is the name of the cursor: SlackName.
func (s *Slack) Name() string { return SlackName }

// Show posts the incident's message or brings it up to date. One that was
// deleted by hand, or that this bot may not change, is posted anew. With a
// webhook it does nothing.
func (s *Slack) Show(ctx context.Context, thread string, i failover.Incident) (string, error) {
	if s.o.Token == "" {
		return "", nil
	}
	m := Render(i, s.o.BaseURL)
	if channel, stamp, posted := strings.Cut(thread, " "); posted {
		err := s.update(ctx, channel, stamp, m)
		switch {
		case err == nil, is(err, "edit_window_closed"):
			// Where a workspace forbids late edits, the thread still tells every step.
			return thread, nil
		case !is(err, "message_not_found", "cant_update_message", "channel_not_found", "not_in_channel", "is_archived"):
			return thread, s.trouble("bring the incident's Slack message up to date", err)
		}
	}
	channel, stamp, err := s.post(ctx, s.o.Channel, "", m)
	if err != nil {
		return thread, s.trouble("post the incident to Slack", err)
	}
	return channel + " " + stamp, nil
}

// Step adds the steps to the incident's thread, as one reply with a line a
// step; one that needs a person is shown in the channel too. With a
// webhook it posts the next step that matters.
func (s *Slack) Step(ctx context.Context, thread string, i failover.Incident, steps []failover.Entry) (int64, error) {
	if s.o.Token == "" {
		return s.stepByWebhook(ctx, i, steps)
	}
	text, told := replyText(steps)
	if text == "" {
		return told, nil
	}
	channel, stamp, _ := strings.Cut(thread, " ")
	m := Message{Text: text}
	m.broadcast = slices.ContainsFunc(steps, func(e failover.Entry) bool { return e.Seq <= told && calls(i, e) })
	_, _, err := s.post(ctx, channel, stamp, m)
	if is(err, "cannot_reply_to_message", "restricted_action_thread_locked", "thread_not_found", "message_not_found") {
		m.Text = title(i) + "\n" + text
		_, _, err = s.post(ctx, channel, "", m)
	}
	return told, s.trouble("add to the incident's Slack thread", err)
}

func (s *Slack) stepByWebhook(ctx context.Context, i failover.Incident, steps []failover.Entry) (int64, error) {
	for _, e := range steps {
		if !headline(i, e) {
			continue
		}
		return e.Seq, s.trouble("post to Slack's webhook", s.hook(ctx, RenderStep(i, e, s.o.BaseURL)))
	}
	return steps[len(steps)-1].Seq, nil
}

// Shout posts what concerns rrwatch as a whole, or advice of one kind.
func (s *Slack) Shout(ctx context.Context, entries ...failover.Entry) error {
	m := RenderShout(entries[0], s.o.BaseURL)
	if advice(entries[0]) {
		m = RenderAdvice(entries, s.o.BaseURL)
	}
	if s.o.Token == "" {
		return s.trouble("post to Slack's webhook", s.hook(ctx, m))
	}
	_, _, err := s.post(ctx, s.o.Channel, "", m)
	return s.trouble("post to Slack", err)
}

func (s *Slack) post(ctx context.Context, channel, thread string, m Message) (id, stamp string, err error) {
	return s.send(ctx, m, func(ctx context.Context, o slack.MsgOption) (string, string, error) {
		options := []slack.MsgOption{o}
		if thread != "" {
			options = append(options, slack.MsgOptionTS(thread))
		}
		if thread != "" && m.broadcast {
			options = append(options, slack.MsgOptionBroadcast())
		}
		return s.api.PostMessageContext(ctx, channel, options...)
	})
}

func (s *Slack) update(ctx context.Context, channel, stamp string, m Message) error {
	_, _, err := s.send(ctx, m, func(ctx context.Context, o slack.MsgOption) (string, string, error) {
		id, stamp, _, err := s.api.UpdateMessageContext(ctx, channel, stamp, o)
		return id, stamp, err
	})
	return err
}

// send makes one call, and a second one with the bare text when Slack refuses
// the message's shape: a plain alert is better than none.
func (s *Slack) send(ctx context.Context, m Message, do func(context.Context, slack.MsgOption) (string, string, error)) (id, stamp string, err error) {
	call := func(o slack.MsgOption) error {
		return s.call(ctx, func(ctx context.Context) (err error) {
			id, stamp, err = do(ctx, o)
			return err
		})
	}
	err = call(m.options())
	if misshapen(err) {
		err = call(m.plain())
	}
	// slack-go takes any JSON without an error text for success.
	if err == nil && (stamp == "" || id == "") {
		err = errNotSlack
	}
	return id, stamp, err
}

func (s *Slack) hook(ctx context.Context, m Message) error {
	post := func(m *slack.WebhookMessage) error {
		return s.call(ctx, func(ctx context.Context) error {
			return slack.PostWebhookCustomHTTPContext(ctx, s.o.Webhook, s.http, m)
		})
	}
	err := post(m.webhook())
	if misshapen(err) {
		err = post(&slack.WebhookMessage{Text: m.Text})
	}
	return err
}

// call makes one call with its own deadline, at most one a second. When ctx
// ends it does not cut the call short at once: an answer that is not heard
// would be a message that is posted twice.
func (s *Slack) call(ctx context.Context, do func(context.Context) error) error {
	if err := s.limit.Wait(ctx); err != nil {
		return fmt.Errorf("wait until Slack allows the next message: %w", err)
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), callIn)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		select {
		case <-time.After(graceIn):
			cancel()
		case <-within.Done():
		}
	})()
	err := do(within)
	if err != nil && errors.Is(within.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s: %w", callIn, context.DeadlineExceeded)
	}
	return err
}
