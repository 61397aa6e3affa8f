SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# SQLite without loadable extensions; users and names looked up by Go itself, so that nothing but SQLite needs C.
TAGS    := sqlite_omit_load_extension,osusergo,netgo
# Without symbol tables: the program is a third smaller, and a panic still names its lines.
LDFLAGS := -s -w -X main.version=$(VERSION)
IMAGE   ?= rrwatch:local

export CGO_ENABLED := 1

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/rrwatch
	@scripts/setup.sh build
	go build -trimpath -tags $(TAGS) -ldflags '$(LDFLAGS)' -o bin/rrwatch ./cmd/rrwatch

.PHONY: demo
demo: build ## watch an address fail and be moved, all on this machine: http://127.0.0.1:8080
	./bin/rrwatch demo

.PHONY: test
test: ## run every check: vet, tidy, lint, known vulnerabilities, all tests
	@scripts/setup.sh test
	go vet -tags $(TAGS) ./...
	go mod tidy -diff
	$(MAKE) --no-print-directory lint
	scripts/vulncheck.sh $(TAGS)
	RRWATCH_STORM_SEEDS=$(STORMS) go test -timeout 20m -tags $(TAGS) -run 'NoStorm|Outages|TwoWatchersInAStorm|AZoneOf50|AQuietWatcher' ./cmd/rrwatch
	go test -race -shuffle=on -timeout 20m -tags $(TAGS) ./...

# How many storms `make test` lives through, and `make soak` from which seed on.
STORMS ?= 500
SEEDS  ?= 5000
SEED   ?= 1

.PHONY: soak
soak: ## live through SEEDS storms (5000) from SEED (1) on; docs/simulation.md says what that is
	@scripts/setup.sh test
	RRWATCH_STORM_SEEDS=$(SEEDS) RRWATCH_STORM_FIRST=$(SEED) go test -v -timeout 0 -tags $(TAGS) -run NoStorm ./cmd/rrwatch | \
		grep -v -e '=== ' -e '--- PASS'

.PHONY: lint
lint: ## check the house rules (.golangci.yml)
	go tool -modfile=tools/golangci-lint.mod golangci-lint run

.PHONY: lab
lab: ## break real load balancers in network namespaces and measure the outages (Linux, root)
	@scripts/setup.sh test
	go run ./lab/run

.PHONY: bench
bench: build ## measure what is promised; prints one line a figure and writes bench.json
	-@scripts/setup.sh bench
	go run ./scripts/bench -tags $(TAGS)

.PHONY: docker
docker: ## build the container image
	docker build --build-arg VERSION=$(VERSION) -t $(IMAGE) .

.PHONY: clean
clean: ## remove what was built
	rm -rf bin bench.json
