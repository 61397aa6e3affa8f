//go:build !linux

package probe

import (
	"context"
	"errors"
)

// Engine asks plain questions on Linux; there is none here.
type Engine struct{}

// ErrNoEngine is returned where there is no engine: every question is asked on
// a goroutine there, with the same answers.
var ErrNoEngine = errors.New("this system has no engine for plain questions")

// NewEngine returns ErrNoEngine.
func NewEngine() (*Engine, error) { return nil, ErrNoEngine }

// Ask does nothing: there is no engine.
func (e *Engine) Ask([]Job) {}

// Drop does nothing: there is no engine.
func (e *Engine) Drop(any) {}

// Run waits until ctx ends.
func (e *Engine) Run(ctx context.Context, _ func([]Asked)) error {
	<-ctx.Done()
	return nil
}
