package failover

import "testing"

func TestAnAccountThatIsNearItsLimitsIsTold(t *testing.T) {
	for throttled, want := range map[int]int{0: 0, mostThrottled: 0, mostThrottled + 1: 1} {
		s := newScene()
		s.pool.Throttled = throttled
		if got := drifts(s.spec, s.pool, nil, own{}); len(got) != want || want > 0 && got[0].Key != "throttled" {
			t.Errorf("after %d throttled calls: %v", throttled, got)
		}
	}
}
