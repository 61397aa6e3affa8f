package simulator

// Actions are the names of all calls that are pretended.
func (a *AWS) Actions() []string { return a.actions() }
