/** Owns the state of a page: one value, changed only by a pure reducer; views are told after each change. */

export interface Store<S, A> {
    state(): S;
    dispatch(action: A): void;
    /** Called once per frame with the newest state, however many actions there were. Answers its end. */
    subscribe(view: (state: S, previous: S | undefined) => void): () => void;
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
            if (isScheduled) return;
            isScheduled = true;
            schedule(show);
        },
        subscribe(view) {
            views.set(view, state);
            view(state, undefined);
            return () => void views.delete(view);
        },
    };
}
