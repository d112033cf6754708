# The two commands of the README, and their parts. Each works alone from a fresh clone, as root or with sudo.
BUILD ?= build
JOBS ?= $(shell nproc)

.PHONY: demo test slow-test build install-deps bench format clean

demo: build
	scripts/demo

test: configure-tests
	cmake --build $(BUILD) -j $(JOBS)
	ctest --test-dir $(BUILD) -LE slow --output-on-failure -j $(JOBS)

slow-test: configure-tests
	cmake --build $(BUILD) -j $(JOBS)
	ctest --test-dir $(BUILD) -L slow --output-on-failure

build: install-deps
	cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release
	cmake --build $(BUILD) -j $(JOBS) --target netwright netwright-torch

.PHONY: configure-tests
configure-tests: install-deps
	cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DNETWRIGHT_TESTS=ON

install-deps:
	scripts/install-deps

bench: install-deps
	cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DNETWRIGHT_BENCH=ON
	cmake --build $(BUILD) -j $(JOBS)

format:
	git ls-files '*.cpp' '*.h' | xargs clang-format -i

clean:
	rm -rf $(BUILD)
