package eip

import (
	"context"
	"sync"
)

// together answers many who ask at about the same time with few reads: who asks while a read is under way shares the next
// one with all others who do. An answer is never older than the question.
type together[In, Out any] struct {
	read func(context.Context, []In) Out
	busy chan struct{} // holds a token while a read is under way

	mu   sync.Mutex // guards what follows
	next *questions[In, Out]
}

// questions are those that one read answers.
type questions[In, Out any] struct {
	asked    []In
	answer   Out
	answered chan struct{}
}

func newTogether[In, Out any](read func(context.Context, []In) Out) *together[In, Out] {
	return &together[In, Out]{read: read, busy: make(chan struct{}, 1)}
}

// ask returns the answer to some questions, and which one of them was this one. All who ask must have the same context: a
// read ends with that of one of them.
func (t *together[In, Out]) ask(ctx context.Context, in In) (answer Out, n int) {
	t.mu.Lock()
	if t.next != nil {
		q := t.next
		n, q.asked = len(q.asked), append(q.asked, in)
		t.mu.Unlock()
		<-q.answered
		return q.answer, n
	}
	q := &questions[In, Out]{asked: []In{in}, answered: make(chan struct{})}
	t.next = q
	t.mu.Unlock()

	t.busy <- struct{}{}
	t.mu.Lock()
	t.next = nil // who asks from now on comes too late for this one
	t.mu.Unlock()
	q.answer = t.read(ctx, q.asked)
	<-t.busy
	close(q.answered)
	return q.answer, 0
}
