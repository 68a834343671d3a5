package traffic

import "fmt"

func (s *Start) runPackets() (*Result, error) {
	return nil, fmt.Errorf("traffic: there is no packet model yet")
}
