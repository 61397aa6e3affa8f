package route53

import (
	"context"
	"sync"
	"time"
)

// memo keeps what was read by its key for a time. Of all who need the same at once, one reads it.
type memo[T any] struct {
	mu   sync.Mutex
	kept map[string]*kept[T]
}

// kept is one thing that is kept.
type kept[T any] struct {
	reading chan struct{} // a token of who reads it; a channel, so that waiting for it ends with the context
	value   T             // owned by who holds the token
	until   time.Time     // owned by who holds the token
}

// entry is what is kept by a key, or what will be.
func (m *memo[T]) entry(key string) *kept[T] {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		m.kept = map[string]*kept[T]{}
	}
	if m.kept[key] == nil {
		m.kept[key] = &kept[T]{reading: make(chan struct{}, 1)}
	}
	return m.kept[key]
}

// known is what is kept, if it is, and nobody is just reading it.
func (m *memo[T]) known(key string) (value T, ok bool) {
	k := m.entry(key)
	select {
	case k.reading <- struct{}{}:
		defer func() { <-k.reading }()
		return k.value, time.Now().Before(k.until)
	default:
		return value, false
	}
}

// keepOld is for how long something is kept on that cannot be read anew.
const keepOld = time.Minute

// get is what is kept, or else what read gives, which says for how long to keep it. After an error it is what was kept before,
// if anything was.
func (m *memo[T]) get(ctx context.Context, key string, read func(context.Context) (T, time.Duration, error)) (T, error) {
	k := m.entry(key)
	select {
	case k.reading <- struct{}{}:
		defer func() { <-k.reading }()
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
	if time.Now().Before(k.until) {
		return k.value, nil
	}
	value, long, err := read(ctx)
	switch {
	case err == nil:
		k.value, k.until = value, time.Now().Add(long)
	case k.until.IsZero():
		return value, err
	default:
		k.until = time.Now().Add(keepOld)
	}
	return k.value, nil
}
