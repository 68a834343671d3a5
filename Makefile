.PHONY: build run test vet assets

build:
	go build -trimpath -o bin/aisim ./cmd/aisim

test:
	go vet ./...
	go test ./...
