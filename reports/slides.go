package reports

import "aisim/internal/result"

// File is one file to write.
type File struct {
	Name string
	Data []byte
}

// Slides are the files under figures/.
func Slides(run *result.Run) ([]File, error) { return nil, nil }
