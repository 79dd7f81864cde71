/// Follows one run, and no other, to its end. Made by triggering, or by `Hightouch.run(_:)` from a token.
public struct RunHandle<State: RunState>: Sendable {
    private let door: Door
    /// What runs.
    public var kind: RunKind { State.kind }
    /// The run's id.
    public let id: State.RunID
    /// The id of what runs.
    public let parentId: State.ParentID
    /// Stands for this run in any process and any language; holds no key.
    public let token: String
    /// Whether the run was found after a trigger of which no answer came, rather than named by the answer.
    public let isAdopted: Bool
    /// Whether the run was under way before: the trigger joined it (`ifRunning: .join`) and started none.
    public let isJoined: Bool

    /// What `wait` does when a run has ended so.
    public enum Ending: String, Codable, Sendable {
        /// Throws an error of the kind `runFailed`, which carries the run.
        case `throw` = "raise"
        /// Returns the run.
        case `return`
    }

    init(_ run: OpenedRun, door: Door) throws {
        guard run.kind == State.kind, let id = State.RunID(run.id), let parentId = State.ParentID(run.parent) else {
            throw HightouchError(.internal, "the core gave a run of another kind, or an id of another type: \(run)")
        }
        self.door = door
        self.id = id
        self.parentId = parentId
        token = run.token
        isAdopted = run.adopted
        isJoined = run.joined
    }

    /// The states of the run as they change, the last one being its end. However it ends, that throws nothing.
    ///
    /// Going through them throws `HightouchError` if following becomes impossible, and with the kind `cancelled` if the
    /// task is cancelled, as ``wait(timeout:onFailure:onWarning:progress:)`` does.
    public var states: States { States(run: self) }

    /// Waits for the run to end. Outages do not end the wait.
    ///
    /// - Parameters:
    ///   - timeout: How long to wait, from zero to `Int64.max` milliseconds; without end when nil. The run goes on
    ///     after it.
    ///   - onFailure: What to do when the run has failed, was cancelled or interrupted.
    ///   - onWarning: What to do when the run has ended with warnings.
    ///   - progress: Is given each change of state, the last one too.
    /// - Returns: The run as it ended.
    /// - Throws: `HightouchError`: of the kind `runFailed` as the policies have it; `waitTimeout` after the timeout and
    ///   `cancelled` if the task was cancelled, both with the token in ``HightouchError/run``; `invalidRequest` for a
    ///   timeout out of range, before anything is sent; or what makes following impossible.
    @discardableResult
    public func wait(
        timeout: Duration? = nil,
        onFailure: Ending = .throw,
        onWarning: Ending = .return,
        progress: (@Sendable (State) async -> Void)? = nil
    ) async throws -> State {
        if let timeout, timeout < .zero || timeout > .longest {
            throw HightouchError(
                .invalidRequest,
                "wait: timeout must be from zero to Int64.max milliseconds and is \(timeout); nothing was sent.")
        }
        let end = timeout.map { ContinuousClock.now + $0 }
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
            return try await door.call("runs.next", arguments).value()
        } catch var error as HightouchError where error.kind == .runFailed {
            error.runKind = State.kind
            throw error
        }
    }

    /// The states of a run.
    public struct States: AsyncSequence, Sendable {
        fileprivate let run: RunHandle

        public func makeAsyncIterator() -> Iterator { Iterator(run: run) }

        /// Goes through the states.
        public struct Iterator: AsyncIteratorProtocol {
            fileprivate let run: RunHandle
            fileprivate var seen: String?
            fileprivate var ended = false

            public mutating func next() async throws -> State? {
                while !ended {
                    ended = true
                    let step = try await run.step(after: seen) { arguments in
                        arguments.set("onFailure", Ending.return)
                        arguments.set("onWarning", Ending.return)
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

extension RunHandle: CustomStringConvertible {
    /// What runs, and the ids.
    public var description: String { "run \(id) of \(State.kind) \(parentId)" }
}

private struct RunStep<State: RunState>: Decodable {
    let state: State?
    let seen: String
    let changed: Bool
    let finished: Bool
}
