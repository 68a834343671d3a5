package scenarios

import (
	"sort"
	"strings"
)

// nearest returns up to three candidates that the word may have been meant for,
// best first: by edit distance up to a third of its length, or by containment.
func nearest(word string, candidates []string) []string {
	if len(word) > 128 {
		return nil
	}
	type scored struct {
		name string
		d    int
	}
	low := strings.ToLower(word)
	var found []scored
	for _, c := range candidates {
		lc := strings.ToLower(c)
		d := distance(low, lc)
		if len(low) >= 4 && (strings.Contains(lc, low) || strings.Contains(low, lc) && len(lc) >= 4) {
			d = min(d, 2)
		}
		if d <= max(1, len(word)/3) {
			found = append(found, scored{c, d})
		}
	}
	sort.SliceStable(found, func(i, j int) bool {
		if found[i].d != found[j].d {
			return found[i].d < found[j].d
		}
		return found[i].name < found[j].name
	})
	var out []string
	for _, f := range found[:min(3, len(found))] {
		out = append(out, f.name)
	}
	return out
}

// didYouMean is a hint, or "" when nothing is near.
func didYouMean(word string, candidates []string) string {
	near := nearest(word, candidates)
	if len(near) == 0 {
		return ""
	}
	return "did you mean " + strings.Join(near, " or ") + "?"
}

// distance is the Damerau–Levenshtein distance with adjacent swaps.
func distance(a, b string) int {
	ra, rb := []rune(a), []rune(b)
	before, row := make([]int, len(rb)+1), make([]int, len(rb)+1)
	var before2 []int
	for j := range before {
		before[j] = j
	}
	for i := 1; i <= len(ra); i++ {
		row[0] = i
		for j := 1; j <= len(rb); j++ {
			cost := 1
			if ra[i-1] == rb[j-1] {
				cost = 0
			}
			row[j] = min(before[j]+1, row[j-1]+1, before[j-1]+cost)
			if i > 1 && j > 1 && ra[i-1] == rb[j-2] && ra[i-2] == rb[j-1] {
				row[j] = min(row[j], before2[j-2]+1)
			}
		}
		before2, before, row = before, row, make([]int, len(rb)+1)
	}
	return before[len(rb)]
}

// unknownHint says what a key that the table does not have may have meant; names are those
// that it has.
func unknownHint(name, pattern string, names []string) string {
	if hint := didYouMean(name, names); hint != "" {
		return hint
	}
	if hint := elsewhere(name, pattern); hint != "" {
		return hint
	}
	if len(names) <= 12 {
		return "known keys: " + strings.Join(names, ", ")
	}
	return "aisim schema lists the keys"
}

// elsewhere finds a key of that name in another table, the nearest one first.
func elsewhere(name, pattern string) string {
	best, shared := "", -1
	here := strings.Split(pattern, ".")
	for i := range dictionary {
		p := dictionary[i].Path
		if !strings.HasSuffix(p, "."+name) || p == joinKey(pattern, name) {
			continue
		}
		n := 0
		for k, part := range strings.Split(p, ".") {
			if k >= len(here) || part != here[k] {
				break
			}
			n++
		}
		if n > shared {
			best, shared = p, n
		}
	}
	if best == "" {
		return ""
	}
	return "there is a key " + best
}
