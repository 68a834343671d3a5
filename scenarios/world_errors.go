package scenarios

import (
	"errors"
	"strings"
)

// mentions says whether an error's text names a key, in either spelling.
func mentions(err error, key string) bool {
	s := err.Error()
	return strings.Contains(s, key) || strings.Contains(s, strings.ReplaceAll(key, "_", " "))
}

func asInvalid(err error, to **Invalid) bool { return errors.As(err, to) }

// flatten takes joined errors apart, in order.
func flatten(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range j.Unwrap() {
			out = append(out, flatten(e)...)
		}
		return out
	}
	return []error{err}
}
