# Every command of the project; "make" alone lists them.
# Written for GNU make 3.81, which is what macOS has.

SHELL := bash
.DEFAULT_GOAL := help

# Go where its installer puts it, when PATH does not know.
export PATH := $(PATH):/usr/local/go/bin

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
TOOL := go tool -modfile=.ci/tools/go.mod
FUZZTIME ?= 10s

.PHONY: help build screens run demo plugin-zip magento-package test test-go chaos chaos-short lint fmt fuzz bench bench-broker bench-ui clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: screens ## build bin/upline, one static program with its screens
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)' -o bin/upline ./server/cmd/upline

# The screens are built again when one of their sources is newer; without Node the program says so on its pages.
screens: server/web/dist/.built

server/web/dist/.built: $(shell find shopify-app/ui shopify-app/admin -type f -not -path '*/node_modules/*' -not -path '*/test/*') shopify-app/package-lock.json
	@bash .ci/screens.sh

run: build ## build and serve the whole product at http://127.0.0.1:8080, data in ./data
	bin/upline serve

demo: build ## fill ./data with a believable company
	bin/upline demo

plugin-zip: ## pack the WooCommerce plugin: dist/upline-for-woocommerce.zip
	@cd .ci/tools && go run ./pluginzip $(CURDIR)/plugins/woocommerce/upline-for-woocommerce $(CURDIR)/dist/upline-for-woocommerce.zip
	@echo dist/upline-for-woocommerce.zip

magento-package: ## pack the Magento module for Composer: dist/upline-module-commission-VERSION.zip
	@version=$$(sed -n "s/.*VERSION = '\(.*\)';/\1/p" plugins/magento/module-upline/Domain/Module.php) && \
	target=dist/upline-module-commission-$$version.zip && \
	(cd .ci/tools && go run ./pluginzip --composer "$$version" $(CURDIR)/plugins/magento/module-upline $(CURDIR)/$$target) && echo $$target

test: ## run everything: installs and starts what it needs, as root on Debian or with Docker
	@bash .ci/test.sh

test-go: ## run the Go tests quickly; those that need a server are skipped
	@bash .ci/gotest.sh . ./...

test-bus: ## run the suite of the buses; KAFKA_URL=kafka://host:port runs it on a real cluster
	@bash .ci/services.sh bash .ci/gotest.sh . -count=1 -v -run 'TestConformance|TestOpen' ./server/bus/...

chaos: ## break everything under load, three rounds in about 40 minutes; fails where an order is lost or paid twice
	@bash .ci/chaos.sh --rounds 3

chaos-short: ## the same, once, in about 5 minutes
	@bash .ci/chaos.sh --short

lint: ## check the Go code and the scripts
	@bash .ci/lint.sh go
	@bash .ci/lint.sh scripts || [ $$? = 75 ]

fmt: ## format the Go code
	$(TOOL) golangci-lint fmt ./...
	cd .ci/tools && go tool golangci-lint fmt --config ../../.golangci.yml ./...

fuzz: ## run each fuzz test for FUZZTIME, by default 10s
	@FUZZTIME=$(FUZZTIME) bash .ci/fuzz.sh

bench: build ## measure ingest and settlement, on SQLite and on PostgreSQL, and closes
	bin/upline bench ingest --json
	bin/upline bench settle --json
	bin/upline bench close --json --shape deep
	bin/upline bench close --json --plan binary --distributors 10000000
	bash .ci/services.sh --durable bash -c 'bin/upline bench close --json --database $$UPLINE_TEST_POSTGRES'
	bash .ci/services.sh --durable bash -c 'export DATABASE_URL=$$UPLINE_TEST_POSTGRES; bin/upline bench ingest --json && bin/upline bench settle --json'

bench-broker: build ## measure two ingest and two engine processes through RabbitMQ and Kafka's protocol against one process
	bash .ci/services.sh --durable --broker bash -c 'DATABASE_URL=$$UPLINE_TEST_POSTGRES bin/upline bench broker'

bench-ui: build ## measure the screens as on a slow phone: LCP, INP, CLS and Lighthouse
	@bash .ci/uibench.sh

clean: ## remove what was built; ./data stays
	@chmod -R u+w .cache 2>/dev/null || true # Go's module cache is read-only
	rm -rf bin dist .cache server/web/dist/own server/web/dist/polaris server/web/dist/.built
