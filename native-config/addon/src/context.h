// A llama.cpp context whose attention is ours: decodes tokens into a session and generates from it. Every method runs
// on the context's worker thread; only cancel() may be called from elsewhere.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "draft.h"
#include "sampling.h"
#include "seam.h"

namespace kvasir {

struct ContextOptions {
    int nBatch = 512;  // tokens computed at a time, and cells of llama.cpp's cache; a multiple of 256
    int nThreads = 0;
    ggml_type rowType = GGML_TYPE_F16;
    size_t budgetBytes = 0;
    /** Which layers go without a stop: those whose heads are equally long, and on CUDA others too; none; all that can. */
    enum class Graft { automatic, never, always } graft = Graft::automatic;
};

/** Sessions whose tokens may share a batch. */
constexpr int maxParts = 8;

enum class LogitsOf { none, last, all };

struct DecodeRequest {
    std::vector<llama_token> tokens;
    int firstPosition = 0;
    LogitsOf logits = LogitsOf::none;
    std::vector<ScorePass> passes;  // offsets count from the first of `tokens`
    bool capture = false;
    bool layerSimilarity = false;
};

struct DecodeResult {
    std::vector<float> logits;  // [nTokens or 1, nVocab]
    std::vector<CapturedLayer> captured;
    std::vector<double> layerSimilarity;  // by layer, NaN where the model's graph does not show it
};

struct GenerateRequest {
    std::vector<llama_token> prompt;  // decoded first
    bool isResumed = false;           // goes on behind a generation that yielded; prompt and sampling are those of then
    int firstPosition = 0;
    int maxTokens = 0;
    int maxPosition = 0;  // positions end here: the trained window
    SamplingOptions sampling;
    std::vector<llama_token> history;  // tokens before the prompt that penalties should know
    /**
     * Text that the answer may repeat, its end the end of the prompt: drafts are looked up there and verified by the
     * model, several tokens at a time. Every token is still sampled from its own logits. Empty for one at a time.
     */
    std::vector<llama_token> draftFrom;
    std::function<bool(llama_token)> onToken;  // false ends the generation
};

enum class StopReason { endOfText, maxTokens, windowEnd, stopped, cancelled, yielded };

struct GenerateResult {
    std::vector<llama_token> tokens;
    StopReason reason = StopReason::maxTokens;
    int64_t promptMicros = 0;
    int64_t firstTokenMicros = 0;
    int64_t totalMicros = 0;
    int nSteps = 0;    // batches decoded behind the prompt
    int nDrafted = 0;  // tokens of drafts in them
    int nAccepted = 0;
};

class Context {
public:
    /** @throws KvError "model-unsupported" | "out-of-memory" */
    Context(llama_model * model, const ContextOptions & options);
    ~Context();
    Context(const Context &) = delete;

    std::unique_ptr<Session> newSession() const;
    std::shared_ptr<Segment> newSegment(std::vector<uint32_t> counts) const;

    /** Appends the tokens' rows to the session's live rows. On failure the session is as it was before. */
    DecodeResult decode(Session & session, const DecodeRequest & request);

    /**
     * The same for several sessions at once, in one batch of at most maxParts sessions and nBatch tokens. On failure all
     * sessions are as they were before.
     * @returns for each request the logits behind its last token, [nVocab]; empty where it asks for none
     */
    std::vector<std::vector<float>> decodeTogether(const std::vector<std::pair<Session *, DecodeRequest>> & requests);

    /**
     * The rows of every token that was decoded stay live: the prompt and all generated tokens but the last.
     * After `yielded` the session holds the samplers, and the generation can be resumed.
     */
    GenerateResult generate(Session & session, const GenerateRequest & request);

    /** The batch under way ends within one layer. Stays in force until clearCancel(). */
    void cancel() { seam->cancel(); }
    void clearCancel() { seam->clearCancel(); }
    /** A generation under way returns after its next token, to be resumed when something more urgent is done. */
    void yieldSoon() { isYieldAsked = true; }
    void clearYield() { isYieldAsked = false; }

    const ModelShape & modelShape() const { return shape; }
    const RowFormat & rowFormat() const { return rows; }
    const std::vector<LayerPlan> & layerPlans() const { return layers; }
    const std::vector<std::unique_ptr<Device>> & deviceList() const { return devices; }
    const std::shared_ptr<Budget> budget;
    const int nBatch;

private:
    struct Probe;
    void probe(const ContextOptions & options);
    /** Layers with a sliding window, in the order of their attention nodes. */
    std::vector<bool> windowedNodes(size_t nNodes);
    /** One decode in which no node is computed. @throws KvError "model-unsupported" */
    void runEmpty(Probe & seen, llama_seq_id sequence, int position);
    struct Tokens {
        Session & session;
        const llama_token * tokens;
        uint32_t n;
        int position;  // of the first
        LogitsOf logits;
        const std::vector<ScorePass> * passes;
    };
    /** At most maxParts of different sessions and nBatch tokens in all. On failure nothing has been appended. */
    void decodeBatch(const std::vector<Tokens> & parts, std::vector<CapturedLayer> * capture = nullptr,
                     LayerSimilarity * similarity = nullptr);

    llama_model * model;
    const llama_vocab * vocab;
    ThreadPool threads;
    llama_context * context = nullptr;
    llama_batch batch{};
    std::vector<std::unique_ptr<Device>> devices;
    ModelShape shape;
    RowFormat rows{};
    std::vector<LayerPlan> layers;
    std::unique_ptr<Seam> seam;
    Probe * probing = nullptr;
    std::atomic<bool> isYieldAsked{false};
    static bool onNode(ggml_tensor * node, bool ask, void * self);
    /** ggml_abort_callback. */
    static bool isAborted(void * self);
};

}  // namespace kvasir
