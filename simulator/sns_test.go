package simulator_test

import (
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/simulator"
)

// toSNS calls an action of SNS in the query protocol and returns the status, the code of a refusal, and all else that the
// answer names.
func toSNS(t *testing.T, a *simulator.AWS, region, action string, parameters ...string) (status int, got map[string]string) {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-03-31"}}
	for i := 0; i < len(parameters); i += 2 {
		form.Set(parameters[i], parameters[i+1])
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://sns.test/", strings.NewReader(form.Encode()))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/"+region+"/sns/aws4_request, SignedHeaders=host, Signature=00")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	got = map[string]string{}
	decoder := xml.NewDecoder(w.Body)
	for element := ""; ; {
		token, err := decoder.Token()
		switch v := token.(type) {
		case xml.StartElement:
			element = v.Name.Local
		case xml.CharData:
			got[element] += strings.TrimSpace(string(v))
		}
		if err != nil {
			return w.Code, got
		}
	}
}

func TestATopicTakesMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := simulator.New(simulator.Options{})
		begun := time.Now()
		const arn = "arn:aws:sns:eu-central-1:123456789012:outages"
		for range 2 { // the second time it is there already
			if status, got := toSNS(t, a, "eu-central-1", "CreateTopic", "Name", "outages"); status != 200 || got["TopicArn"] != arn || got["RequestId"] == "" {
				t.Errorf("got %d %v", status, got)
			}
		}
		_, first := toSNS(t, a, "eu-central-1", "Publish", "TopicArn", arn, "Subject", "down", "Message", "lb-1 is down",
			"MessageAttributes.entry.1.Name", "pool", "MessageAttributes.entry.1.Value.DataType", "String", "MessageAttributes.entry.1.Value.StringValue", "www")
		_, second := toSNS(t, a, "eu-central-1", "Publish", "TargetArn", arn, "MessageStructure", "json", "Message", `{"default":"up again","email":"long"}`)
		at := func(n int) time.Time { return a.Published()[n].At }
		if at(1).Sub(begun) <= 0 || !at(1).After(at(0)) {
			t.Errorf("published at %v and %v, begun at %v", at(0), at(1), begun)
		}
		want := []simulator.Message{
			{ID: first["MessageId"], Topic: arn, Subject: "down", Text: "lb-1 is down", Attributes: map[string]string{"pool": "www"}, At: at(0)},
			{ID: second["MessageId"], Topic: arn, Text: "up again", Attributes: map[string]string{}, At: at(1)},
		}
		if d := cmp.Diff(want, a.Published()); d != "" || first["MessageId"] == second["MessageId"] {
			t.Error(d)
		}
	})
}

func TestRefusesWhatSNSRefuses(t *testing.T) {
	a := simulator.New(simulator.Options{})
	arn := a.AddTopic("outages")
	for name, tt := range map[string]struct {
		region, action string
		parameters     []string
		status         int
		code, says     string
	}{
		"a dot in the name":      {"", "CreateTopic", []string{"Name", "outages.fifo"}, 400, "InvalidParameter", "Invalid parameter: Topic Name"},
		"no name":                {"", "CreateTopic", nil, 400, "InvalidParameter", "Invalid parameter: Topic Name"},
		"no topic":               {"", "Publish", []string{"Message", "x"}, 400, "InvalidParameter", "TopicArn"},
		"not a topic":            {"", "Publish", []string{"TopicArn", "outages", "Message", "x"}, 400, "InvalidParameter", "TopicArn Reason"},
		"an unknown topic":       {"", "Publish", []string{"TopicArn", arn + "2", "Message", "x"}, 404, "NotFound", "Topic does not exist"},
		"an empty message":       {"", "Publish", []string{"TopicArn", arn, "Message", ""}, 400, "InvalidParameter", "Invalid parameter: Empty message"},
		"a message too long":     {"", "Publish", []string{"TopicArn", arn, "Message", strings.Repeat("x", 262145)}, 400, "InvalidParameter", "Message too long"},
		"an empty subject":       {"", "Publish", []string{"TopicArn", arn, "Message", "x", "Subject", ""}, 400, "InvalidParameter", "Invalid parameter: Subject"},
		"a subject of 101":       {"", "Publish", []string{"TopicArn", arn, "Message", "x", "Subject", strings.Repeat("s", 101)}, 400, "InvalidParameter", "Subject"},
		"a subject of two lines": {"", "Publish", []string{"TopicArn", arn, "Message", "x", "Subject", "a\nb"}, 400, "InvalidParameter", "Subject"},
		"JSON without default":   {"", "Publish", []string{"TopicArn", arn, "MessageStructure", "json", "Message", "{}"}, 400, "InvalidParameter", "No default entry"},
		"not JSON":               {"", "Publish", []string{"TopicArn", arn, "MessageStructure", "json", "Message", "x"}, 400, "InvalidParameter", "failed to parse"},
		"another Region":         {"us-west-2", "Publish", []string{"TopicArn", arn, "Message", "x"}, 403, "SignatureDoesNotMatch", "us-west-2"},
		"an unknown action":      {"", "Subscribe", nil, 400, "InvalidAction", "Subscribe"},
	} {
		t.Run(name, func(t *testing.T) {
			region := "eu-central-1"
			if tt.region != "" {
				region = tt.region
			}
			status, got := toSNS(t, a, region, tt.action, tt.parameters...)
			if status != tt.status || got["Code"] != tt.code || !contains(got["Message"], tt.says) {
				t.Errorf("got %d %v", status, got)
			}
		})
	}
	if got := a.Published(); len(got) != 0 {
		t.Errorf("published %v", got)
	}
}
