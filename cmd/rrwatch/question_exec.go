package main

import (
	"rrwatch/config"
	"rrwatch/probe"
)

func execOptions(c config.Check) probe.ExecOptions {
	o := probe.ExecOptions{Env: map[string]string{}, Host: c.Host, Exit: c.Exec.Exit, Unknown: c.Exec.Unknown}
	for _, word := range c.Exec.Command {
		o.Command = append(o.Command, word.Reveal())
	}
	for name, value := range c.Exec.Env {
		o.Env[name] = value.Reveal()
	}
	return o
}
