# aisim: build, run the flagship scenario, test.
.PHONY: build run test vet assets bench validation kills bars closed-loop engines chips

# The binary with the interactive charts where npm can fetch their library.
build: assets
	go build -trimpath -buildvcs=auto -o bin/aisim ./cmd/aisim

# The flagship scenario: 54 days of Llama 3.1 405B on 16,384 H100, report in out/.
run: build
	bin/aisim run llama3-405b-16k-h100 -o out
	@echo "The report is out/report.html"

vet:
	go vet ./...
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted:"; gofmt -l $$(git ls-files '*.go'); exit 1; }

# Everything: the tests of all rooms (determinism on 1, 2 and 4 workers among them), the
# engine under the race detector, and the engine, campaigns and services under the
# invariants tag.
test: vet
	go test ./...
	go test -race -short ./sim/...
	go test -tags invariants -short ./sim/... ./cluster/... ./workloads/serving/... ./planner/...

# A sweep killed a hundred times at random moments.
kills:
	AISIM_KILLS=100 go test ./cmd/aisim -run KilledSweeps -count=1 -v

# The search against every design of three spaces, each looked at on the fine rung.
bars:
	AISIM_BARS=1 go test ./planner -run TestBars -count=1 -v -timeout 60m

# Speed beside the reference programs; writes docs/performance.md.
bench:
	go run ./internal/bench

# The models beside every table of measurements at hand; writes VALIDATION.md.
MEASURED = ../shared/data/validation
OPERATORS = ../shared/data/inference
validation: build
	@test -d $(MEASURED) || { echo "validation: $(MEASURED) is absent" >&2; exit 1; }
	@{ echo "# Validation"; echo; \
	echo "Written by \`make validation\`; not to be edited. Errors are predicted over measured less one, on time."; \
	echo "Constants were fitted on part of these rows: docs/models/ says which, and what leaving families out gives."; \
	echo "Every case by itself, and groups by source: \`aisim validate TABLE FILE\`. Dots of pictures: blue gate rows, sand info rows; dashed: ±25 %."; \
	for t in collectives kernels training:training training:nanotron-h100-sweep training:mlperf-training inference other-chips storage cluster; do \
	  f=$${t#*:}; echo; echo "## $$f"; echo; echo "![predicted against measured](docs/img/validation-$$f.svg)"; echo; echo '```'; \
	  bin/aisim validate $${t%%:*} $(MEASURED)/$$f.csv --picture docs/img/validation-$$f.svg | sed -n '/^ *cases  done/,$$p' | grep -v '^source: '; echo '```'; done; \
	echo; echo "## training, each family left out of the fit"; echo; echo '```'; bin/aisim validate families $(MEASURED)/training.csv $(MEASURED)/nanotron-h100-sweep.csv; echo '```'; \
	echo; echo "## operators"; echo; echo "Measured grids of single operators: each call from the others, from one in ten, from the fitted curve (docs/models/kernels.md)."; \
	echo; echo '```'; bin/aisim validate operators $(OPERATORS)/aiconfigurator $(OPERATORS)/vidur 2>/dev/null; echo '```'; } > VALIDATION.md.part
	@{ echo; echo "## engines"; echo; echo "Serving runs with constants fitted without their model, chip or engine."; echo; echo '```'; \
	go run ./calibration/engines/gen -table $(MEASURED)/inference.csv; echo '```'; } >> VALIDATION.md.part
	@mv VALIDATION.md.part VALIDATION.md

# A probe of this machine, predictions of real work from it, and the work itself: prints the
# table. It takes two to four minutes and is no test: other load on the machine shows.
closed-loop:
	@go build -trimpath -buildvcs=auto -o bin/aisim ./cmd/aisim
	bin/aisim calibrate closed-loop

# The constants of engine profiles, fitted again on the measured serving runs (minutes);
# writes workloads/serving/engines/*.toml.
engines:
	go run ./calibration/engines/gen -table $(MEASURED)/inference.csv -fit

# What is shipped of measured chips, fitted again on the measured data (a minute); writes library.toml,
# library_shared.toml, forms.toml, boards.csv and docs/calibration-ledger.md, and prints the rung of every chip.
chips:
	go run ./calibration/chips -data $(dir $(MEASURED))
	go test ./hardware -run Ledger -count=1 -rewrite
	@sed -n '/^| chip |/,/stand on/p' docs/calibration-ledger.md

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
