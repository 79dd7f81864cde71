import Foundation

/// Keeps the key that a function gives, and asks for another when one is refused: once for all who wait for it.
actor Credentials {
    /// Makes the core use a key.
    typealias Setter = @Sendable (Secret) async throws -> Void

    private let ask: @Sendable () async throws -> String
    private var key: Secret?
    /// Counts the keys that were used; 0 before the first.
    private var generation = 0
    private var isAsking = false
    private var waiting: [UUID: CheckedContinuation<Void, any Error>] = [:]

    init(_ ask: @escaping @Sendable () async throws -> String) { self.ask = ask }

    /// Sees to it that there is a key.
    ///
    /// - Returns: Which one it is; a call that fails says by it which key it had.
    func first(setting set: @escaping Setter) async throws -> Int {
        if generation == 0 {
            try await asked(setting: set)
        }
        return generation
    }

    /// Asks for another key, unless there is a newer one than the call began with.
    ///
    /// - Returns: Whether the key is another one than it was, so that repeating the call makes sense.
    func renewed(since began: Int, setting set: @escaping Setter) async throws -> Bool {
        if generation == began {
            try await asked(setting: set)
        }
        return generation != began
    }

    /// Notes that somebody else has set a key.
    func replaced(by key: Secret) {
        note(key)
    }

    /// Waits until the function has answered. It goes on when one who waits is cancelled: others may wait too.
    private func asked(setting set: @escaping Setter) async throws {
        if !isAsking {
            isAsking = true
            // No child of this task, which may be cancelled while others wait.
            Task { await self.answer(setting: set) }
        }
        let id = UUID()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                if Task.isCancelled {
                    continuation.resume(throwing: CancellationError())
                } else {
                    waiting[id] = continuation
                }
            }
        } onCancel: {
            Task { await self.leave(id) }
        }
    }

    private func leave(_ id: UUID) {
        waiting.removeValue(forKey: id)?.resume(throwing: CancellationError())
    }

    private func answer(setting set: Setter) async {
        let result: Result<Void, any Error>
        do {
            let new: Secret
            do {
                new = Secret(try await ask())
            } catch {
                throw HightouchError(.authentication, "the function that gives the API key failed", because: error)
            }
            if new != key {
                try await set(new)
                note(new)
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        isAsking = false
        let all = waiting.values
        waiting = [:]
        for continuation in all {
            continuation.resume(with: result)
        }
    }

    private func note(_ key: Secret) {
        self.key = key
        generation += 1
    }
}

extension Credentials: CustomReflectable {
    /// Nothing: a key and a function that knows one are for nobody to see.
    nonisolated var customMirror: Mirror { Mirror(self, children: []) }
}
