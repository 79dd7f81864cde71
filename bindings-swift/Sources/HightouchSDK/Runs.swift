/// A handle that follows one run to its end.
///
/// Methods that trigger or find a run return a handle. ``Hightouch/run(_:)`` opens a handle from a ``token``.
public struct RunHandle<State: RunState>: Sendable {
    private let door: Door
    /// The kind of the run.
    public var kind: RunKind { State.kind }
    /// The id of the run.
    public let id: State.RunID
    /// The id of the run's sync, sequence or graph.
    public let parentId: State.ParentID
    /// A text that identifies the run in any process and any language of this SDK. It does not contain the API key.
    public let token: String
    /// Whether the response to the trigger was lost and the client found the run in the list of runs.
    public let isAdopted: Bool
    /// Whether the run was already in progress and the trigger joined it (`ifRunning: .join`) instead of starting a
    /// run.
    public let isJoined: Bool

    /// What ``RunHandle/wait(timeout:onFailure:onWarning:progress:)`` or the `wait` of a ``SyncBatch`` does if a run
    /// did not succeed or ended with warnings.
    public enum EndPolicy: String, Codable, Sendable {
        /// Throws an error of kind `runFailed` that contains the final state of the run.
        case `throw` = "raise"
        /// Returns the final state of the run.
        case `return`
    }

    init(_ run: OpenedRun, door: Door) throws {
        guard run.kind == State.kind, let id = State.RunID(run.id), let parentId = State.ParentID(run.parent) else {
            throw HightouchError(
                .internal, "The core returned a run of another kind or with an id of another type: \(run).")
        }
        self.door = door
        self.id = id
        self.parentId = parentId
        token = run.token
        isAdopted = run.adopted
        isJoined = run.joined
    }

    /// Reads the run once. Unlike ``wait(timeout:onFailure:onWarning:progress:)``, this method throws during an outage
    /// of the API, and it does not throw if the run failed.
    ///
    /// - Returns: The state of the run.
    /// - Throws: ``HightouchError``. The kind is `notFound` if the server does not list the run, and `cancelled` if the
    ///   task was cancelled. A run that was requested a moment ago may not be listed yet.
    public func state() async throws -> State {
        try await door.call("run.state", ["run": token]).value()
    }

    /// The current state of the run, then one state for each change, up to the final state. If the run fails, the final
    /// state says so, and no error is thrown.
    ///
    /// Iterating throws ``HightouchError`` if the client can no longer follow the run. If the task is cancelled, the
    /// error has the kind `cancelled` and contains the token.
    public var states: States { States(run: self) }

    /// Waits for the run to end. The wait continues through outages of the API.
    ///
    /// - Parameters:
    ///   - timeout: The longest time to wait, from zero to `Int64.max` milliseconds. If nil, the wait has no limit. The
    ///     run itself continues after the timeout.
    ///   - onFailure: What to do if the run failed, was cancelled or was interrupted.
    ///   - onWarning: What to do if the run ended with warnings.
    ///   - progress: Called with the current state of the run, then after each change, including the final state. The
    ///     wait continues when the function returns.
    /// - Returns: The final state of the run.
    /// - Throws: ``HightouchError``. The kind is `runFailed` if `onFailure` or `onWarning` asks for an error,
    ///   `waitTimeout` after the timeout, `cancelled` if the task was cancelled, and `invalidRequest` if `timeout` is
    ///   out of range. Any other kind says why the client can no longer follow the run. Errors of the first three kinds
    ///   contain the token in ``HightouchError/run``.
    @discardableResult
    public func wait(
        timeout: Duration? = nil,
        onFailure: EndPolicy = .throw,
        onWarning: EndPolicy = .return,
        progress: (@Sendable (State) async -> Void)? = nil
    ) async throws -> State {
        let end = try timeout.map { ContinuousClock.now + (try $0.checkedForWait()) }
        var seen: String?
        while true {
            let step = try await self.step(after: seen) { arguments in
                arguments.set(milliseconds: "timeoutMs", end.map { max(.zero, $0 - .now) })
                arguments.set("expire", end.map { _ in true })
                arguments.set("onFailure", onFailure)
                arguments.set("onWarning", onWarning)
            }
            seen = step.seen
            guard let state = step.state else { continue }
            if step.changed {
                await progress?(state)
            }
            if step.finished {
                return state
            }
        }
    }

    fileprivate func step(after seen: String?, with more: (inout Fields) -> Void) async throws -> RunStep<State> {
        var arguments: Fields = ["run": token, "seen": seen]
        more(&arguments)
        do {
            return try await door.call("run", arguments).value()
        } catch var error as HightouchError where error.kind == .runFailed {
            error.runKind = State.kind
            throw error
        }
    }

    /// The sequence of a run's states.
    public struct States: AsyncSequence, Sendable {
        fileprivate let run: RunHandle

        public func makeAsyncIterator() -> Iterator { Iterator(run: run) }

        /// Iterates over the states.
        public struct Iterator: AsyncIteratorProtocol {
            fileprivate let run: RunHandle
            fileprivate var seen: String?
            fileprivate var ended = false

            public mutating func next() async throws -> State? {
                while !ended {
                    ended = true
                    let step = try await run.step(after: seen) { arguments in
                        arguments.set("onFailure", EndPolicy.return)
                        arguments.set("onWarning", EndPolicy.return)
                    }
                    seen = step.seen
                    ended = step.finished
                    if step.changed, let state = step.state {
                        return state
                    }
                }
                return nil
            }
        }
    }
}

extension Duration {
    /// Returns this duration if it is in the range that `wait(timeout:)` accepts; otherwise throws.
    func checkedForWait() throws -> Duration {
        guard self >= .zero, self <= .longest else {
            throw HightouchError(
                .invalidRequest,
                "wait(timeout:) takes a time from zero to Int64.max milliseconds, not \(self). Nothing was sent.")
        }
        return self
    }
}

extension RunHandle: CustomStringConvertible {
    /// The kind and the ids, such as `run 77 of sync 5`.
    public var description: String { "run \(id) of \(State.kind) \(parentId)" }
}

private struct RunStep<State: RunState>: Decodable {
    let state: State?
    let seen: String
    let changed: Bool
    let finished: Bool
}
