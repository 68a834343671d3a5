package reports

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
)

// The charting library of explore.html: ECharts 5.6.0, dist/echarts.min.js of
// the npm package, Apache License 2.0.
const (
	libraryFile    = "assets/echarts.min.js"
	LibraryVersion = "5.6.0"
	LibrarySHA256  = "bf4a223524e40b77c304bec67e1222cf551f14880cf42c69dc046558e11c07b1"
)

// The folder is embedded whole, so that the package compiles when the library
// was not fetched.
//
//go:embed all:assets
var assets embed.FS

// errNoLibrary says that the binary was built without the library.
var errNoLibrary = errors.New("this build has no charting library (make assets fetches it, then build again)")

// library is the embedded library after its bytes were checked.
func library() ([]byte, error) {
	data, err := assets.ReadFile(libraryFile)
	if err != nil {
		return nil, errNoLibrary
	}
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); got != LibrarySHA256 {
		return nil, fmt.Errorf("the embedded charting library has sha256 %s, expected %s", got, LibrarySHA256)
	}
	return data, nil
}

// HasLibrary says whether this build can write explore.html.
func HasLibrary() bool {
	_, err := library()
	return err == nil
}
