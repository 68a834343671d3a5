package reports

import (
	"os"
	"testing"
)

// TestWriteLook writes the fixtures' pages where AISIM_LOOK names a folder, for
// looking at.
func TestWriteLook(t *testing.T) {
	dir := os.Getenv("AISIM_LOOK")
	if dir == "" {
		t.Skip("AISIM_LOOK names no folder to write the pages to")
	}
	for name, run := range fixtures() {
		w, err := WriteDir(dir+"/"+name, run, Extra{Command: "aisim run llama3-405b-16k-h100 -o out --seed 1"})
		if err != nil {
			t.Fatal(err)
		}
		t.Log(name, w.Notes)
	}
}
