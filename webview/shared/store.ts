/** Owns the state of a page: one value, changed only by a pure reducer; views are told with the next frame. */

export interface Store<S, A> {
    state(): S;
    dispatch(action: A): void;
    /** Called once per frame with the newest state, however many actions there were. Answers its end. */
    subscribe(view: (state: S, previous: S | undefined) => void): () => void;
    /** Called with each change, before whoever made it goes on: for what cannot wait for a frame. Answers its end. */
    watch(listener: (state: S) => void): () => void;
}

/**
 * @param schedule when views run after a change; by default with the next frame
 */
export function createStore<S, A>(
    reduce: (state: S, action: A) => S,
    initial: S,
    schedule: (run: () => void) => void = (run) => void requestAnimationFrame(run),
): Store<S, A> {
    let state = initial;
    let isScheduled = false;
    const views = new Map<(state: S, previous: S | undefined) => void, S | undefined>();
    const listeners = new Set<(state: S) => void>();
    const show = () => {
        isScheduled = false;
        for (const [view, shown] of views) {
            if (shown === state) continue;
            views.set(view, state);
            view(state, shown);
        }
    };
    return {
        state: () => state,
        dispatch(action) {
            const next = reduce(state, action);
            if (next === state) return;
            state = next;
            for (const listener of listeners) listener(state);
            if (isScheduled) return;
            isScheduled = true;
            schedule(show);
        },
        subscribe(view) {
            views.set(view, state);
            view(state, undefined);
            return () => void views.delete(view);
        },
        watch(listener) {
            listeners.add(listener);
            return () => void listeners.delete(listener);
        },
    };
}
