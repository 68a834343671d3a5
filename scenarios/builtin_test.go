package scenarios

import "testing"

func TestBuiltinsLoad(t *testing.T) {
	if len(Builtins()) < 6 {
		t.Fatalf("%d built-in scenarios, want at least 6", len(Builtins()))
	}
	for _, b := range Builtins() {
		sc, err := Load(b.ID, nil)
		if err != nil {
			t.Errorf("%s:\n%s", b.ID, err)
			continue
		}
		if sc.Name != b.Title || sc.Source() != b.ID || !sc.Builtin() || len(sc.SHA256()) != 64 {
			t.Errorf("%s: loaded as %q from %q", b.ID, sc.Name, sc.Source())
		}
		t.Logf("%s: %v", b.ID, sc.Placement())
		for _, a := range sc.Assumptions() {
			t.Logf("  %s = %s (%s)", a.Name, a.Value, a.Source)
		}
	}
}
