package config

// BasicAuth is a user and a password, as RFC 7617 sends them.
type BasicAuth struct {
	User     string // without a colon
	Password Secret
}

// keyBasicAuth is the key of a user and a password.
const keyBasicAuth = "basic_auth"

// readBasicAuth reads the user and the password of a check; nil when none are given.
func readBasicAuth(s *section) *BasicAuth {
	return read(s, keyBasicAuth, nil, func(v value) (*BasicAuth, bool) {
		sub, ok := v.section()
		if !ok {
			return nil, false
		}
		a := &BasicAuth{
			User: need(sub, "user", "write the user, such as user: rrwatch",
				matching(`[^:[:cntrl:]]+`, "a user, in whose name there is no colon")),
			Password: sub.secret("password"),
		}
		if find(sub.entries, "password") == nil && find(sub.entries, "password_file") == nil {
			sub.at("password", "is missing", "write it, or password_file and the file that holds it")
		}
		sub.done()
		return a, true
	})
}

// refuseTwoAuthorizations reports a header that says the same as basic_auth.
func refuseTwoAuthorizations(s *section, auth *BasicAuth, headers map[string]Secret) {
	if _, given := headers["Authorization"]; given && auth != nil {
		s.at(keyBasicAuth, "Authorization stands in headers too", "keep one of the two")
	}
}
