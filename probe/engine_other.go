//go:build !linux

package probe

import (
	"errors"
	"time"
)

// Engine asks plain questions on Linux; there is none here.
type Engine struct{}

// ErrNoEngine is returned where there is no engine: every question is asked on
// a goroutine there, with the same answers.
var ErrNoEngine = errors.New("this system has no engine for plain questions")

// NewEngine returns ErrNoEngine.
func NewEngine() (*Engine, error) { return nil, ErrNoEngine }

// Ask does nothing: there is no engine.
func (e *Engine) Ask(Job) {}

// Drop does nothing: there is no engine.
func (e *Engine) Drop(any) {}

// Wake does nothing: there is no engine.
func (e *Engine) Wake() {}

// Wait returns ErrNoEngine.
func (e *Engine) Wait(time.Time) ([]Asked, error) { return nil, ErrNoEngine }

// Close does nothing: there is no engine.
func (e *Engine) Close() {}
