package scenarios

import (
	"fmt"
	"strings"
)

// study checks [goal] and [sweep].
func (c *checker) study() {
	if g := c.sc.Goal; g != nil {
		c.goal(g)
	}
	if s := c.sc.Sweep; s != nil {
		c.variables("sweep", s.Variables)
		switch {
		case s.Sampling == "latin" && s.Points == nil:
			c.lacks("sweep", "points", "sampling is latin")
		case s.Sampling != "latin" && s.Points != nil:
			c.bad("sweep.points", "", `write sampling = "latin"`, "changes nothing, because a grid has all its points")
		}
	}
}

func (c *checker) goal(g *Goal) {
	if g.Minimise == "" && g.Maximise == "" {
		c.lacks("goal", "minimise", "a goal needs minimise or maximise")
	}
	for i, text := range g.Constraints {
		if _, err := ParseConstraint(text); err != nil {
			c.bad(fmt.Sprintf("goal.constraints[%d]", i), "METRIC <= LIMIT", `like "chat.ttft_p99 <= 500 ms"`, "%s", err)
		}
	}
	c.variables("goal", g.Variables)
	for i, s := range g.Steps {
		c.overrides(fmt.Sprintf("goal.step[%d].set", i), s.Set)
	}
}

func (c *checker) variables(table string, vars []Variable) {
	seen := map[string]bool{}
	for i := range vars {
		v := &vars[i]
		at := fmt.Sprintf("%s.variable[%d]", table, i)
		if len(v.Options) == 0 && v.Key == "" {
			c.bad(at, "", `give key = "cluster.nodes", or [[`+table+`.variable.option]] entries`, "says neither which key varies nor options")
			continue
		}
		if len(v.Options) > 0 && v.Key != "" {
			c.bad(at+".key", "", "remove it, or give values", "changes nothing, because the options say what they set")
			continue
		}
		if len(v.Options) > 0 && v.Name == "" {
			c.bad(at, "", `write name = "machine"`, "options need a name of the variable")
			continue
		}
		if seen[v.Title()] {
			c.bad(at, "", "put both into one variable", "%s varies twice", v.Title())
		}
		seen[v.Title()] = true
		settings, err := v.Settings()
		if err != nil {
			key := at
			if len(v.Range) == 2 {
				key += ".range"
			}
			c.bad(key, "", "", "%s", err)
			continue
		}
		for k, s := range settings {
			if k > 0 && k < len(settings)-1 && len(v.Options) == 0 && len(v.Range) == 2 {
				continue // the ends of a range say all
			}
			key := at
			switch {
			case len(v.Options) > 0:
				key = fmt.Sprintf("%s.option[%d].set", at, k)
			case len(v.Values) > 0:
				key = fmt.Sprintf("%s.values[%d]", at, k)
			default:
				key += ".range"
			}
			if !c.overrides(key, s.Sets) {
				break
			}
		}
	}
}

// overrides checks that every override names a key and has a value of its kind and
// within its range; what only shows in combination shows when the design is built.
func (c *checker) overrides(key string, sets []string) bool {
	for _, set := range sets {
		l := &loader{}
		l.set(c.sc.source.tree.clone(), set)
		for _, p := range l.problems {
			at := c.sc.ProblemAt(key, set, p.Allowed, p.Hint, strings.TrimSpace(p.Key+": "+p.Message))
			c.problems = append(c.problems, at)
		}
		if len(l.problems) > 0 {
			return false
		}
		name, _, _ := strings.Cut(set, "=")
		if strings.HasPrefix(name, "goal") || strings.HasPrefix(name, "sweep") {
			c.bad(key, "", "", "%s cannot vary", name)
			return false
		}
		for _, p := range c.sc.unbindable(set) {
			if p.Key == strings.TrimSpace(name) { // the value itself is wrong, whatever it is combined with
				c.problems = append(c.problems, c.sc.ProblemAt(key, set, p.Allowed, p.Hint, p.Key+": "+p.Message))
				return false
			}
		}
	}
	return true
}
