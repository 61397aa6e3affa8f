package failover

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"rrwatch/probe"
)

// heardFrom makes targets of www/https warn: the text of each address, by its number.
func heardFrom(texts map[int]string) map[probe.Target]string {
	warned := map[probe.Target]string{}
	for n, text := range texts {
		warned[probe.Target{Pool: "www", Check: "https", Addr: netip.AddrPortFrom(public(n), 443)}] = text
	}
	return warned
}

func ofHTTPS(texts map[int]string) []Warning {
	return gathered(heardFrom(texts))[advisoryKey{AdviseWarning, "www", "https"}]
}

// expires is how TLS checks warn.
func expires(days int) string {
	end := noon().Add(time.Duration(days) * 24 * time.Hour).Format(time.DateOnly)
	switch days {
	case 0:
		return "the certificate expires in less than a day, on " + end
	case 1:
		return "the certificate expires in 1 day, on " + end
	}
	return fmt.Sprintf("the certificate expires in %d days, on %s", days, end)
}

func TestAWarningSaysWhereItWasHeardTheMostUrgentFirst(t *testing.T) {
	for want, texts := range map[string]map[int]string{
		"the certificate expires in 9 days, on 2026-03-10 (3 addresses)":                                                                  {1: expires(9), 2: expires(9), 3: expires(9)},
		"the certificate expires in 9 days, on 2026-03-10 (203.0.113.2)":                                                                  {2: expires(9)},
		"the certificate expires in 9 days, on 2026-03-10 (203.0.113.3); the certificate expires in 12 days, on 2026-03-13 (2 addresses)": {1: expires(12), 2: expires(12), 3: expires(9)},
		"the certificate expires in less than a day, on 2026-03-01 (203.0.113.1); the certificate expires in 2 days, on 2026-03-03 (203.0.113.2); the certificate expires in 3 days, on 2026-03-04 (203.0.113.3); and 1 more": {1: expires(0), 2: expires(2), 3: expires(3), 4: expires(4)},
	} {
		if got := sentence(ofHTTPS(texts)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	const second = "served at the second address, 203.0.113.2: 203.0.113.1 refused"
	page := map[probe.Target]string{{Pool: "www", Check: "login"}: second}
	if got := gathered(page)[advisoryKey{AdviseWarning, "www", "login"}]; sentence(got) != second || got[0].Addrs != nil {
		t.Errorf("got %+v", got)
	}
}

// life plays a warning from minute to minute; says is what is heard at a minute.
func life(minutes int, says func(minute int) []Warning) (told []string) {
	var a lasting
	begun := false
	for minute := range minutes {
		warnings := says(minute)
		if begun = begun || warnings != nil; !begun {
			continue
		}
		var kind EntryKind
		if a, kind = a.warnedBy(warnings, noon().Add(time.Duration(minute)*time.Minute)); kind != "" {
			told = append(told, fmt.Sprintf("%d %s %s", minute, kind, a.Text))
		}
		if kind == WarningOver {
			a, begun = lasting{}, false
		}
	}
	return told
}

func wantTold(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

const dayInMinutes = 24 * 60

func TestAWarningIsToldOnceThoughItsDaysChange(t *testing.T) {
	got := life(6*dayInMinutes, func(minute int) []Warning { return ofHTTPS(map[int]string{1: expires(14 - minute/dayInMinutes)}) })
	wantTold(t, got, "1 warning the certificate expires in 14 days, on 2026-03-15 (203.0.113.1)")
}

func TestAWarningIsToldAgainWhenSevenThreeAndOneDaysAreLeft(t *testing.T) {
	got := life(10*dayInMinutes, func(minute int) []Warning {
		if left := 9 - minute/dayInMinutes; left >= 0 {
			return ofHTTPS(map[int]string{1: expires(left), 2: expires(left + 20)})
		}
		return nil
	})
	if len(got) != 5 {
		t.Fatalf("got %q", got)
	}
	for n, want := range []string{"1 warning the certificate expires in 9 days", "2880 warning the certificate expires in 7 days",
		"8640 warning the certificate expires in 3 days", "11520 warning the certificate expires in 1 day", "12960 warning the certificate expires in less than a day"} {
		if got[n][:len(want)] != want {
			t.Errorf("got %q, want %q", got[n], want)
		}
	}
}

func TestAllAddressesThatWarnWithinAMinuteAreToldTogether(t *testing.T) {
	var a lasting
	var kind EntryKind
	for second := range 61 {
		texts := map[int]string{1: expires(9)}
		if second > 20 {
			texts[2] = expires(9)
		}
		if a, kind = a.warnedBy(ofHTTPS(texts), noon().Add(time.Duration(second)*time.Second)); kind != "" && second < 60 {
			t.Errorf("told after %d s", second)
		}
	}
	if kind != Warned || a.Text != "the certificate expires in 9 days, on 2026-03-10 (2 addresses)" || !a.Begun.Equal(noon()) {
		t.Errorf("got %q, %+v", kind, a)
	}
}

func TestAWarningThatComesAndGoesIsToldOnce(t *testing.T) {
	const second = "served at the second address, 203.0.113.2: 203.0.113.1 refused"
	got := life(2*dayInMinutes, func(minute int) []Warning {
		switch {
		case minute > dayInMinutes:
			return nil
		case minute%40 < 3: // three minutes of every forty, each time for another reason
			return []Warning{{Text: second + fmt.Sprint(minute)}}
		}
		return nil
	})
	wantTold(t, got, "1 warning "+second+"1", "1501 warning-over "+second+"1440")
}

func TestAWarningThatComesAgainAfterItWasOverIsNews(t *testing.T) {
	got := life(300, func(minute int) []Warning {
		if minute < 2 || minute >= 200 {
			return ofHTTPS(map[int]string{1: expires(9)})
		}
		return nil
	})
	const text = "the certificate expires in 9 days, on 2026-03-10 (203.0.113.1)"
	wantTold(t, got, "1 warning "+text, "62 warning-over "+text, "201 warning "+text)
}

func TestAWarningOfAnotherMatterIsNewsAtMostOnceAnHour(t *testing.T) {
	const chain = "the chain's certificate of Test Authority expires in 20 days, on 2026-03-21"
	got := life(200, func(minute int) []Warning {
		texts := map[int]string{1: expires(9)}
		if minute >= 10 {
			texts[2] = chain
		}
		if minute >= 20 {
			texts[3] = "something else"
		}
		return ofHTTPS(texts)
	})
	if len(got) != 2 || got[1][:11] != "61 warning " {
		t.Errorf("got %q", got)
	}
}

func TestTheSameMatterIsKnownWhateverItsNumbers(t *testing.T) {
	for _, c := range []struct {
		before, now string
		same        bool
	}{
		{expires(9), expires(8), true},
		{expires(9), "the chain's certificate of R3 expires in 9 days, on 2026-03-10", false},
		{expires(1), expires(0), false}, // the last day is worth another word
		{"served at the second address, 203.0.113.2: 203.0.113.1 refused", "served at the second address, 203.0.113.7: 203.0.113.1 refused; 203.0.113.9 reset", true},
		{"served at the second address, 203.0.113.2: 203.0.113.1 refused", "served at the second address, 203.0.113.2: 203.0.113.1 refused; " + expires(9), false},
		{"served at the second address, 203.0.113.2: 203.0.113.1 refused; " + expires(9), expires(9), true},
	} {
		a := lasting{Advisory{Warnings: []Warning{{Text: c.now}}}, []Warning{{Text: c.before}}}
		if a.saysMore() == c.same {
			t.Errorf("%q after %q: the same is %t, want %t", c.now, c.before, !c.same, c.same)
		}
	}
}
