package simulator

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The protocol of SNS, from its service description.
const (
	snsVersion = "2010-03-31"
	snsXmlns   = "http://sns.amazonaws.com/doc/2010-03-31/"
)

// maxMessage and maxSubject bound a message, in bytes, and its subject, in characters (API reference of SNS, Publish).
const (
	maxMessage = 262144
	maxSubject = 100
)

// Message is one message that was published to a topic of SNS.
type Message struct {
	ID         string
	Topic      string // ARN
	Subject    string
	Text       string            // with the structure json, that for those without a text of their own
	Attributes map[string]string // values as text, whatever their type
	At         time.Time
}

// topics is what SNS keeps. The zero value is ready; the lock of the AWS guards it.
type topics struct {
	arns      map[string]bool
	published []Message
}

// AddTopic makes a topic of SNS, if there is none of that name, and returns its ARN. The name is not checked.
func (a *AWS) AddTopic(name string) string {
	arn := fmt.Sprintf("arn:aws:sns:%s:%s:%s", a.options.Region, a.options.Account, name)
	a.mu.Lock()
	defer a.mu.Unlock()
	set(&a.topics.arns, arn, true)
	return arn
}

// Published returns all messages that were published to topics, oldest first.
func (a *AWS) Published() []Message {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := slices.Clone(a.topics.published)
	for i := range out {
		out[i].Attributes = maps.Clone(out[i].Attributes)
	}
	return out
}

func (a *AWS) snsOperations() map[string]func(call) (any, error) {
	return map[string]func(call) (any, error){
		"CreateTopic": a.createTopic,
		"Publish":     a.publishMessage,
	}
}

type createTopicAnswer struct {
	XMLName   xml.Name `xml:"http://sns.amazonaws.com/doc/2010-03-31/ CreateTopicResponse"`
	ARN       string   `xml:"CreateTopicResult>TopicArn"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

// createTopic makes a standard topic. The names of FIFO topics, which end in .fifo, are refused like any other dot.
func (a *AWS) createTopic(c call) (any, error) {
	name := c.form.Get("Name")
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`).MatchString(name) {
		return nil, refuse("InvalidParameter", "Invalid parameter: Topic Name")
	}
	return createTopicAnswer{ARN: a.AddTopic(name), RequestID: c.requestID}, nil
}

type publishAnswer struct {
	XMLName   xml.Name `xml:"http://sns.amazonaws.com/doc/2010-03-31/ PublishResponse"`
	ID        string   `xml:"PublishResult>MessageId"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

func (a *AWS) publishMessage(c call) (any, error) {
	topic := c.form.Get("TopicArn")
	if topic == "" {
		topic = c.form.Get("TargetArn")
	}
	m := Message{Topic: topic, Subject: c.form.Get("Subject"), Text: c.form.Get("Message"), Attributes: messageAttributes(c)}
	if err := m.check(c); err != nil {
		return nil, err
	}
	if c.form.Get("MessageStructure") == "json" {
		var texts map[string]any
		if err := json.Unmarshal([]byte(m.Text), &texts); err != nil {
			return nil, refuse("InvalidParameter", "Invalid parameter: Message Structure - JSON message body failed to parse")
		}
		text, ok := texts["default"].(string)
		if !ok {
			return nil, refuse("InvalidParameter", "Invalid parameter: Message Structure - No default entry in JSON message body")
		}
		m.Text = text
	}

	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.topics.arns[topic] {
		return nil, &refusal{http.StatusNotFound, "NotFound", "Topic does not exist"}
	}
	m.ID, m.At = fmt.Sprintf("00000000-0000-5000-8000-%012x", a.next()), time.Now()
	a.topics.published = append(a.topics.published, m)
	return publishAnswer{ID: m.ID, RequestID: c.requestID}, nil
}

// check refuses what cannot be published.
func (m Message) check(c call) error {
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	switch structure := c.form.Get("MessageStructure"); {
	case m.Topic == "":
		return refuse("InvalidParameter", "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter")
	case !strings.HasPrefix(m.Topic, "arn:aws:sns:") || strings.Count(m.Topic, ":") != 5:
		return refuse("InvalidParameter", "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not %d",
			strings.Count(m.Topic, ":")+1)
	case m.Text == "":
		return refuse("InvalidParameter", "Invalid parameter: Empty message")
	case len(m.Text) > maxMessage:
		return refuse("InvalidParameter", "Invalid parameter: Message too long")
	case c.form.Has("Subject") && m.Subject == "", utf8.RuneCountInString(m.Subject) > maxSubject, strings.ContainsFunc(m.Subject, control):
		return refuse("InvalidParameter", "Invalid parameter: Subject")
	case structure != "" && structure != "json":
		return refuse("InvalidParameter", "Invalid parameter: Invalid message structure %s", structure)
	}
	return nil
}

// messageAttributes reads the attributes of a message: MessageAttributes.entry.1.Name and so on.
func messageAttributes(c call) map[string]string {
	out := map[string]string{}
	for n := 1; ; n++ {
		entry := "MessageAttributes.entry." + strconv.Itoa(n)
		if !c.form.Has(entry + ".Name") {
			return out
		}
		value := c.form.Get(entry + ".Value.StringValue")
		if value == "" {
			value = c.form.Get(entry + ".Value.BinaryValue")
		}
		out[c.form.Get(entry+".Name")] = value
	}
}
