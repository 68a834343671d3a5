.PHONY: build run test vet assets

build:
	go build -trimpath -o bin/aisim ./cmd/aisim

test:
	go vet ./...
	go test ./...

# The charting library of explore.html, by npm's lock file and a SHA-256 that
# the test holds. Where npm is absent the build goes on without it.
assets:
	@if ! command -v npm >/dev/null; then \
	  echo "assets: npm is absent, explore.html will be left out" >&2; \
	elif ! (cd reports/assets && npm ci --ignore-scripts --no-audit --no-fund --silent); then \
	  rm -rf reports/assets/node_modules; echo "assets: npm could not fetch the library, explore.html will be left out" >&2; \
	else \
	  cp reports/assets/node_modules/echarts/dist/echarts.min.js reports/assets/echarts.min.js && \
	  rm -rf reports/assets/node_modules && \
	  (go test ./reports -run '^TestLibrary$$' -count=1 >/dev/null || \
	    { rm -f reports/assets/echarts.min.js; echo "assets: the library's SHA-256 is not the expected one" >&2; exit 1; }); \
	fi
