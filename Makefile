# make demo   the whole path on a generated shop
# make bench-peers   ours beside PyTorch and PyG in one go; writes docs/benchmarks.md
# make test   lint and all tests, with a throw-away Postgres of their own

.PHONY: demo build test test-fast race fuzz bench bench-peers lint

demo: build
	bin/rowlink demo

build:
	go build -o bin/rowlink ./cmd/rowlink

# One server for all test processes: throwpg starts it and takes it away again.
test: bin/throwpg
	scripts/ensure-postgres.sh bin/throwpg
	scripts/ensure-pgbouncer.sh
	scripts/ensure-chromium.sh
	ROWLINK_REQUIRE_POSTGRES=1 bin/throwpg -- scripts/test.sh

# No database, nothing slow.
test-fast:
	ROWLINK_TEST_POSTGRES=none go test -short ./...

# The race detector needs a C compiler; nothing else here does.
race:
	CGO_ENABLED=1 go test -race -short -timeout 30m ./...

fuzz:
	ROWLINK_TEST_POSTGRES=none scripts/fuzz.sh

# For benchstat: make bench BENCH=Case COUNT=6 > new.txt
bench:
	ROWLINK_TEST_POSTGRES=none go test -run '^$$' -bench '$(or $(BENCH),.)' -benchmem -count $(or $(COUNT),1) -timeout 60m ./...

# Ours beside PyTorch and PyG: PEERS='-quick', PEERS='-parts kernels,layers' and others.
bench-peers: build
	bench/peers/setup.sh
	go run ./bench/peers $(PEERS)

lint:
	scripts/lint.sh

.PHONY: bin/throwpg
bin/throwpg:
	go build -o $@ ./internal/pgtest/throwpg
