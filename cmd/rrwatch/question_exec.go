package main

import (
	"os/exec"

	"rrwatch/config"
	"rrwatch/probe"
)

// checkCommands looks whether the commands of exec checks are on this machine,
// which only matters to the one that rrwatch runs on.
func checkCommands(out *findings, cfg *config.Config) {
	for _, p := range cfg.Pools {
		for _, c := range p.Checks {
			if c.Kind != config.KindExec {
				continue
			}
			if _, err := exec.LookPath(c.Exec.Command[0].Reveal()); err != nil {
				out.say(false, "check %s/%s: this machine cannot run its command: %v; install it where rrwatch runs, or correct the command", p.Name, c.Name, err)
			}
		}
	}
}

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
