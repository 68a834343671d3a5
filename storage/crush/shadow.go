package crush

import "slices"

// addShadows builds, for every root and device class, a copy of the hierarchy
// that holds only the devices of that class, weights summed upwards and empty buckets
// kept. Items are hashed by id, so the ids come from the map (declared); a copy
// without one gets the highest free id, in the order in which crushtool builds them:
// roots by ascending id, classes by first appearance, children before parents.
func (m *Map) addShadows(declared map[classBucket]int32) error {
	s := shadows{m: m, declared: declared, used: map[int32]bool{}, free: -1}
	for _, id := range declared {
		s.used[id] = true
	}
	child := map[int32]bool{}
	for _, id := range m.items {
		child[id] = true
	}
	var roots []int32
	for i := range m.buckets {
		if b := &m.buckets[i]; b.alg != 0 && !child[b.id] {
			roots = append(roots, b.id)
		}
	}
	slices.Sort(roots)
	for _, r := range roots {
		for c := range m.classes {
			if _, err := s.clone(r, int32(c)); err != nil {
				return err
			}
		}
	}
	return nil
}

type shadows struct {
	m        *Map
	declared map[classBucket]int32
	used     map[int32]bool
	free     int32
}

// clone makes the shadow of a bucket and of all below it, and returns its id.
func (s *shadows) clone(id, class int32) (int32, error) {
	m, key := s.m, classBucket{id, class}
	if c, ok := m.clones[key]; ok {
		return c, nil
	}
	original := *m.bucketByID(id)
	var items []int32
	var weights []uint32
	for k := range int(original.size) {
		item := m.items[int(original.first)+k]
		weight := m.itemWeight(&original, k)
		if item < 0 {
			c, err := s.clone(item, class)
			if err != nil {
				return 0, err
			}
			item, weight = c, m.bucketByID(c).weight
		} else if c, ok := m.classOf[item]; !ok || c != class {
			continue
		}
		if original.alg == Uniform && weight != 0 {
			return 0, errUniform // crushtool cannot either: it compares with the weight of an empty bucket
		}
		items, weights = append(items, item), append(weights, weight)
	}
	c, ok := s.declared[key]
	if !ok {
		for m.bucketByID(s.free) != nil || s.used[s.free] {
			s.free--
		}
		if c = s.free; c < -maxBuckets {
			return 0, errTaken
		}
	}
	if err := m.addBucket(c, original.typ, original.alg, items, weights); err != nil {
		return 0, err
	}
	m.buckets[-1-c].shadow = true
	name := m.names[id] + "~" + m.classes[class]
	m.names[c], m.ids[name], m.clones[key] = name, c, c
	return c, nil
}
