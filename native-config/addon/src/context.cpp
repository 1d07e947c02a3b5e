#include "context.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <thread>

#include "error.h"

namespace kvasir {

namespace {

int64_t nowMicros() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int defaultThreads() {
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/** Of the first row of an f16 mask, its elements that hide nothing. */
int visibleIn(const ggml_tensor * mask) {
    std::vector<uint16_t> row(static_cast<size_t>(mask->ne[0]));
    api.ggml_backend_tensor_get(mask, row.data(), 0, row.size() * sizeof(uint16_t));
    return static_cast<int>(std::count(row.begin(), row.end(), uint16_t{0}));
}

}  // namespace

/** What one decode in which every node is empty has shown. */
struct Context::Probe {
    std::vector<std::pair<ggml_tensor *, ggml_op>> emptied;
    bool wasPermuted(const ggml_tensor * tensor) const {
        return std::any_of(emptied.begin(), emptied.end(),
                           [&](const auto & e) { return e.first == tensor && e.second == GGML_OP_PERMUTE; });
    }
    struct Rope {
        int layer;
        RopeParams params;
    };
    std::vector<Rope> ropes;
    struct Attention {
        ggml_tensor *cacheK, *cacheV;
        int64_t headDimK, headDimV, nKvHeads, nHeads;
        float maxBias;
        bool hasSinks;
        int nVisible;  // keys that the batch's first token sees, where they are counted
        ggml_tensor * node;
        bool isPermuted, isReshaped;  // K before it by a node that computes nothing, its output right behind it
    };
    bool countsVisible = false;
    std::vector<Attention> attention;
};

Context::Context(llama_model * model, const ContextOptions & options)
    : budget(std::make_shared<Budget>(options.budgetBytes)),
      nBatch(options.nBatch),
      model(model),
      vocab(api.llama_model_get_vocab(model)),
      threads(options.nThreads > 0 ? options.nThreads : defaultThreads()) {
    const std::string reason = unsupportedReason(model);
    if (!reason.empty()) {
        throw KvError("model-unsupported", reason);
    }
    llama_context_params params = api.llama_context_default_params();
    params.n_ctx = static_cast<uint32_t>(nBatch);
    params.n_batch = params.n_ctx;
    params.n_ubatch = params.n_ctx;
    // One stream of cells for all sequences: cells stay in the order of the batch's tokens.
    params.n_seq_max = maxParts;
    params.kv_unified = true;
    params.n_threads = threads.nThreads;
    params.n_threads_batch = threads.nThreads;
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_ENABLED;
    params.type_k = options.rowType;
    params.type_v = options.rowType;
    params.no_perf = true;
    params.cb_eval = &Context::onNode;
    params.cb_eval_user_data = this;
    // The CPU asks before every node, so a cancel does not wait for the rest of a layer; a GPU ends with the layer.
    params.abort_callback = &Context::isAborted;
    params.abort_callback_data = this;
    context = api.llama_init_from_model(model, params);
    if (context == nullptr) {
        throw KvError("out-of-memory", "llama.cpp could not make a context (memory, or a row type it does not support)");
    }
    api.llama_attach_threadpool(context, threads.get(), threads.get());
    batch = api.llama_batch_init(nBatch, 0, 1);
    rows.type = options.rowType;
    try {
        probe(options);
        std::vector<std::weak_ptr<BufferPool>> pools;
        for (const auto & device : devices) {
            pools.push_back(device->pool);
        }
        budget->onShortage([pools] {
            for (const auto & pool : pools) {
                if (const auto held = pool.lock()) {
                    held->drain();
                }
            }
        });
    } catch (...) {
        api.llama_batch_free(batch);
        api.llama_free(context);
        throw;
    }
    seam = std::make_unique<Seam>(shape, rows, layers, options.graft != ContextOptions::Graft::never);
}

Context::~Context() {
    api.llama_batch_free(batch);
    // The struct behind the callback outlives the context, the threads outlive both.
    api.llama_free(context);
}

bool Context::isAborted(void * self) {
    const Context * context = static_cast<Context *>(self);
    return context->seam && context->seam->wasCancelled();
}

bool Context::onNode(ggml_tensor * node, bool ask, void * self) {
    Context * context = static_cast<Context *>(self);
    if (context->seam) {
        return context->seam->onNode(node, ask);
    }
    if (Probe * probe = context->probing; probe != nullptr && ask) {
        if (node->op == GGML_OP_FLASH_ATTN_EXT) {
            float params[3];
            std::memcpy(params, node->op_params, sizeof(params));
            probe->attention.push_back({rootOf(node->src[1]), rootOf(node->src[2]), node->src[1]->ne[0],
                                        node->src[2]->ne[0], node->src[1]->ne[2], node->src[0]->ne[2], params[1], node->src[4] != nullptr,
                                        probe->countsVisible ? visibleIn(node->src[3]) : 0, node,
                                        probe->wasPermuted(node->src[1]), false});
        } else if (node->op == GGML_OP_RESHAPE && !probe->attention.empty() && probe->attention.back().node == node->src[0]) {
            probe->attention.back().isReshaped = true;
        }
        int layer = -1;
        if (node->op == GGML_OP_ROPE && std::sscanf(node->name, "Kcur-%d", &layer) == 1) {
            RopeParams rope;
            rope.isKnown = true;
            rope.nDims = node->op_params[1];
            rope.mode = node->op_params[2];
            rope.nCtxOrig = node->op_params[4];
            float f[6];
            std::memcpy(f, node->op_params + 5, sizeof(f));
            rope.freqBase = f[0];
            rope.freqScale = f[1];
            rope.extFactor = f[2];
            rope.attnFactor = f[3];
            rope.betaFast = f[4];
            rope.betaSlow = f[5];
            rope.freqFactors = node->src[2];
            probe->ropes.push_back({layer, rope});
        }
        probe->emptied.push_back({node, node->op});
        node->op = GGML_OP_NONE;
    }
    return false;
}

void Context::runEmpty(Probe & seen, llama_seq_id sequence, int position) {
    probing = &seen;
    batch.n_tokens = 1;
    batch.token[0] = 0;
    batch.pos[0] = position;
    batch.n_seq_id[0] = 1;
    batch.seq_id[0][0] = sequence;
    batch.logits[0] = 0;
    const int status = api.llama_decode(context, batch);
    probing = nullptr;
    for (const auto & [node, op] : seen.emptied) {
        node->op = op;  // llama.cpp may use this graph again
    }
    if (status != 0) {
        throw KvError("model-unsupported", "llama.cpp could not run this model (status " + std::to_string(status) + ")");
    }
    if (seen.attention.empty()) {
        throw KvError("model-unsupported", "this model's graph has no flash attention node to take over");
    }
}

std::vector<bool> Context::windowedNodes(size_t nNodes) {
    std::vector<bool> isWindowed(nNodes, false);
    const int window = api.llama_model_n_swa(model);
    if (window <= 0) {
        return isWindowed;
    }
    // One sequence with a token so far back that no window reaches it: what the masks show tells the layers apart. Within a
    // batch positions have no gaps, so the far token comes from another sequence.
    llama_memory_t memory = api.llama_get_memory(context);
    Probe far, near, seen;
    seen.countsVisible = true;
    runEmpty(far, 0, 0);
    runEmpty(near, 1, window + 1);
    api.llama_memory_seq_cp(memory, 0, 1, -1, -1);
    runEmpty(seen, 1, window + 2);
    api.llama_memory_clear(memory, false);
    constexpr int all = 3;  // the far token, the near one and the last itself
    for (size_t i = 0; i < nNodes; i++) {
        isWindowed[i] = seen.attention.at(i).nVisible < all;
    }
    return isWindowed;
}

void Context::probe(const ContextOptions & options) {
    Probe seen;
    runEmpty(seen, 0, 0);
    api.llama_memory_clear(api.llama_get_memory(context), false);
    const Probe::Attention & first = seen.attention.front();
    shape.nHeads = static_cast<int>(first.nHeads);
    shape.nKvHeads = static_cast<int>(first.nKvHeads);
    shape.headDim = static_cast<int>(first.headDimK);
    std::vector<size_t> nodeOfLayer;
    for (size_t i = 0; i < seen.attention.size(); i++) {
        const Probe::Attention & node = seen.attention[i];
        int modelLayer = -1;
        if (std::sscanf(node.cacheK->name, "cache_k_l%d", &modelLayer) != 1) {
            throw KvError("model-unsupported", std::string("attention over something that is no cache: ") + node.cacheK->name);
        }
        if (node.headDimK != node.headDimV || node.headDimK != first.headDimK || node.nKvHeads != first.nKvHeads ||
            node.nHeads != first.nHeads) {
            throw KvError("model-unsupported", "layers or K and V of different shapes");
        }
        if (node.maxBias > 0.0f) {
            throw KvError("model-unsupported", "ALiBi: slopes depend on each key's distance at every question");
        }
        const bool isShared = std::any_of(layers.begin(), layers.end(), [&](const LayerPlan & l) { return l.cacheK == node.cacheK; });
        if (isShared) {
            continue;  // some models let several layers read one cache
        }
        const bool isRead = std::count_if(seen.attention.begin(), seen.attention.end(),
                                          [&](const Probe::Attention & other) { return other.cacheK == node.cacheK; }) > 1;
        LayerPlan plan;
        plan.modelLayer = modelLayer;
        plan.cacheK = node.cacheK;
        plan.cacheV = node.cacheV;
        ggml_backend_buffer_type_t buft = api.ggml_backend_buffer_get_type(node.cacheK->buffer);
        for (const auto & device : devices) {
            if (device->buft == buft) {
                plan.device = device.get();
            }
        }
        if (plan.device == nullptr) {
            devices.push_back(std::make_unique<Device>(buft, threads, budget));
            plan.device = devices.back().get();
        }
        for (const Probe::Rope & rope : seen.ropes) {
            if (rope.layer == modelLayer) {
                plan.rope = rope.params;
            }
        }
        // Each head is a sequence of its own then, and an op has one list of sinks for all of them.
        const bool canSpread = !isRead && !node.hasSinks && plan.device->readsMaskStride() &&
                               (plan.device->isHost() || options.rowType == GGML_TYPE_F16);
        const bool isWanted = options.graft == ContextOptions::Graft::always ||
                              (options.graft == ContextOptions::Graft::automatic && plan.device->skipsHiddenBlocks());
        plan.isSpread = canSpread && isWanted;
        plan.hasIdleNodes = node.isPermuted && node.isReshaped;
        layers.push_back(plan);
        nodeOfLayer.push_back(i);
    }
    const std::vector<bool> isWindowed = windowedNodes(seen.attention.size());
    for (size_t layer = 0; layer < layers.size(); layer++) {
        if (isWindowed[nodeOfLayer[layer]]) {
            layers[layer].window = static_cast<uint32_t>(api.llama_model_n_swa(model));
            layers[layer].isSpread = false;
        }
    }
    shape.nLayers = static_cast<int>(layers.size());
    rows.headDim = shape.headDim;
    rows.bytes = api.ggml_row_size(rows.type, shape.headDim);
    if (rows.bytes % 4 != 0 || shape.headDim % api.ggml_blck_size(rows.type) != 0) {
        throw KvError("model-unsupported", std::string("rows of ") + api.ggml_type_name(rows.type) + " do not fit a head of " +
                                               std::to_string(shape.headDim) + " elements");
    }
}

std::unique_ptr<Session> Context::newSession() const {
    return std::make_unique<Session>(shape, rows, layers);
}

std::shared_ptr<Segment> Context::newSegment(std::vector<uint32_t> counts) const {
    return std::make_shared<Segment>(shape, rows, layers, std::move(counts));
}

void Context::decodeBatch(const std::vector<Tokens> & parts, std::vector<CapturedLayer> * capture, LayerSimilarity * similarity) {
    std::vector<BatchPart> batchParts;
    uint32_t at = 0;
    for (size_t part = 0; part < parts.size(); part++) {
        const Tokens & p = parts[part];
        p.session.reserve(p.n);
        batchParts.push_back({&p.session, at, p.n, p.passes});
        for (uint32_t i = 0; i < p.n; i++, at++) {
            batch.token[at] = p.tokens[i];
            batch.pos[at] = p.position + static_cast<int>(i);
            batch.n_seq_id[at] = 1;
            // Within one sequence positions must rise without gaps, so each part is a sequence of its own.
            batch.seq_id[at][0] = static_cast<llama_seq_id>(part);
            batch.logits[at] = p.logits == LogitsOf::all || (p.logits == LogitsOf::last && i + 1 == p.n) ? 1 : 0;
        }
    }
    batch.n_tokens = static_cast<int32_t>(at);
    // The cache is empty before every batch, so a batch may start at any position and sessions may branch freely.
    api.llama_memory_clear(api.llama_get_memory(context), false);
    seam->begin(batchParts, capture, similarity);
    const int status = api.llama_decode(context, batch);
    seam->end();
    if (status != 0) {
        throw KvError(status == 1 || status == -2 ? "out-of-memory" : "internal",
                      "llama.cpp could not decode a batch of " + std::to_string(at) + " tokens (status " + std::to_string(status) + ")");
    }
    for (const Tokens & p : parts) {
        p.session.append(p.n);
    }
}

namespace {

/** The part of a pass that falls on tokens [at, at + n), with offsets counted from there. */
ScorePass passWithin(const ScorePass & pass, size_t at, size_t n) {
    ScorePass here = {0, pass.stride, {}, pass.ahead, pass.heads};
    for (size_t i = 0; i < pass.weights.size(); i++) {
        const size_t token = pass.offset + i * pass.stride;
        if (token >= at && token < at + n) {
            if (here.weights.empty()) {
                here.offset = static_cast<uint32_t>(token - at);
            }
            here.weights.push_back(pass.weights[i]);
        }
    }
    return here;
}

}  // namespace

DecodeResult Context::decode(Session & session, const DecodeRequest & request) {
    DecodeResult result;
    if (request.capture) {
        result.captured.resize(layers.size());
    }
    std::optional<LayerSimilarity> similarity;
    if (request.layerSimilarity) {
        similarity.emplace(shape.nLayers);
    }
    const uint32_t before = session.nLive();
    const size_t nTokens = request.tokens.size();
    const size_t nVocab = static_cast<size_t>(api.llama_vocab_n_tokens(vocab));
    try {
        for (size_t at = 0; at < nTokens; at += nBatch) {
            const uint32_t n = static_cast<uint32_t>(std::min<size_t>(nBatch, nTokens - at));
            const bool isLast = at + n == nTokens;
            const LogitsOf logits = request.logits == LogitsOf::last && !isLast ? LogitsOf::none : request.logits;
            std::vector<ScorePass> here;
            for (const ScorePass & pass : request.passes) {
                here.push_back(passWithin(pass, at, n));
            }
            decodeBatch({{session, request.tokens.data() + at, n, request.firstPosition + static_cast<int>(at),
                          similarity ? LogitsOf::all : logits, &here}},
                        request.capture ? &result.captured : nullptr, similarity ? &*similarity : nullptr);
            if (logits == LogitsOf::all) {
                for (uint32_t i = 0; i < n; i++) {
                    const float * row = api.llama_get_logits_ith(context, static_cast<int32_t>(i));
                    result.logits.insert(result.logits.end(), row, row + nVocab);
                }
            } else if (logits == LogitsOf::last) {
                const float * row = api.llama_get_logits_ith(context, -1);
                result.logits.assign(row, row + nVocab);
            }
        }
    } catch (...) {
        session.truncate(before);
        throw;
    }
    if (similarity) {
        result.layerSimilarity = similarity->means();
    }
    return result;
}

std::vector<std::vector<float>> Context::decodeTogether(const std::vector<std::pair<Session *, DecodeRequest>> & requests) {
    std::vector<Tokens> parts;
    size_t nTokens = 0;
    for (const auto & [session, request] : requests) {
        const uint32_t n = static_cast<uint32_t>(request.tokens.size());
        parts.push_back({*session, request.tokens.data(), n, request.firstPosition, request.logits, &request.passes});
        nTokens += n;
        const auto isSame = [session = session](const auto & other) { return other.first == session; };
        if (n == 0 || std::count_if(requests.begin(), requests.end(), isSame) > 1) {
            throw KvError("internal", "parts of a batch need tokens and sessions of their own");
        }
        if (request.logits == LogitsOf::all) {
            throw KvError("internal", "of a batch that sessions share only the logits behind each part are kept");
        }
    }
    if (parts.empty() || parts.size() > static_cast<size_t>(maxParts) || nTokens > static_cast<size_t>(nBatch)) {
        throw KvError("internal", "a batch takes 1 to " + std::to_string(maxParts) + " parts and " + std::to_string(nBatch) + " tokens");
    }
    decodeBatch(parts);
    std::vector<std::vector<float>> logits(parts.size());
    int32_t last = -1;
    for (size_t i = 0; i < parts.size(); i++) {
        last += static_cast<int32_t>(parts[i].n);
        if (parts[i].logits == LogitsOf::last) {
            const float * row = api.llama_get_logits_ith(context, last);
            logits[i].assign(row, row + api.llama_vocab_n_tokens(vocab));
        }
    }
    return logits;
}

GenerateResult Context::generate(Session & session, const GenerateRequest & request) {
    GenerateResult result;
    const int64_t start = nowMicros();
    int position = request.firstPosition;  // of the next token to be decoded
    std::vector<llama_token> drafted;      // behind the token that was decoded last
    std::unique_ptr<Sampling> sampling = std::move(session.sampling);

    const auto reasonToStop = [&](llama_token token) -> std::optional<StopReason> {
        if (api.llama_vocab_is_eog(vocab, token)) {
            return StopReason::endOfText;
        }
        result.tokens.push_back(token);
        sampling->draft.append(token);
        if (!request.onToken(token)) {
            return StopReason::stopped;
        }
        if (static_cast<int>(result.tokens.size()) >= request.maxTokens) {
            return StopReason::maxTokens;
        }
        if (position >= request.maxPosition) {
            return StopReason::windowEnd;
        }
        if (seam->wasCancelled()) {
            return StopReason::cancelled;
        }
        return isYieldAsked.exchange(false) ? std::make_optional(StopReason::yielded) : std::nullopt;
    };
    // One token from each row of logits, as long as the draft says the same. The sampler is asked in order and only
    // once per token, so its state, and the text, are those of one token at a time.
    const auto takeTokens = [&](int32_t firstRow) -> std::optional<StopReason> {
        for (size_t i = 0;; i++) {
            const llama_token token =
                api.llama_sampler_sample(sampling->sampler.get(), context, firstRow + static_cast<int32_t>(i));
            if (result.tokens.empty()) {
                result.firstTokenMicros = nowMicros() - start;
            }
            const auto reason = reasonToStop(token);
            if (reason || i == drafted.size() || token != drafted[i]) {
                session.truncate(session.nLive() - static_cast<uint32_t>(drafted.size() - i));
                sampling->pending = token;
                return reason;
            }
            result.nAccepted++;
            position++;
        }
    };
    const std::vector<ScorePass> tracked = {{0, 1, {1.0f}, 0, {}}};
    const auto decodePending = [&] {
        // Attention of a token that turns out wrong could not be taken back from the scores.
        const int room = std::min(request.maxTokens - static_cast<int>(result.tokens.size()), request.maxPosition - position) - 1;
        drafted = session.scores ? std::vector<llama_token>() : sampling->draft.next(static_cast<size_t>(std::max(room, 0)));
        std::vector<llama_token> tokens = {sampling->pending};
        tokens.insert(tokens.end(), drafted.begin(), drafted.end());
        decodeBatch({{session, tokens.data(), static_cast<uint32_t>(tokens.size()), position, LogitsOf::all, &tracked}});
        position++;
        result.nSteps++;
        result.nDrafted += static_cast<int>(drafted.size());
    };

    std::optional<StopReason> reason;
    if (request.isResumed) {
        if (!sampling) {
            throw KvError("internal", "there is no generation to resume");
        }
    } else {
        if (request.prompt.empty()) {
            throw KvError("internal", "a generation needs at least one token of prompt");
        }
        sampling = std::make_unique<Sampling>();
        sampling->sampler = makeSampler(vocab, request.sampling);
        sampling->draft = Draft(request.draftFrom);
        // A grammar describes the answer alone, so it must not be fed what came before it.
        if (request.sampling.grammar.empty()) {
            for (const llama_token token : request.history) {
                api.llama_sampler_accept(sampling->sampler.get(), token);
            }
        }
        DecodeRequest prompt;
        prompt.tokens = request.prompt;
        prompt.firstPosition = position;
        prompt.logits = LogitsOf::last;
        decode(session, prompt);
        position += static_cast<int>(request.prompt.size());
        result.promptMicros = nowMicros() - start;
        reason = takeTokens(-1);
    }
    while (!reason) {
        try {
            decodePending();
        } catch (const KvError & error) {
            if (error.code != "cancelled") {
                throw;
            }
            reason = StopReason::cancelled;
            break;
        }
        reason = takeTokens(0);
    }
    if (reason == StopReason::yielded) {
        session.sampling = std::move(sampling);
    }
    result.reason = *reason;
    result.totalMicros = nowMicros() - start;
    return result;
}

}  // namespace kvasir
