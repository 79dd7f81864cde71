import Foundation

/// Follows one batch of the core and wakes everyone who waits for a change.
///
/// The core reports each change only once, so one task calls `batch.next` for all waiters. This task holds a reference
/// to the feed, which therefore is never released while the task runs. Users hold a ``SyncBatch`` instead. Its
/// deinitializer stops the feed.
final class BatchFeed: @unchecked Sendable {
    private let door: Door
    private let batch: Int
    private let lock = NSLock()
    /// Guarded by `lock`.
    private var state: State

    private struct State {
        var items: [BatchItem]
        /// For each item, the number of its last change; 0 if the item has not changed. Changes are numbered from 1.
        var changeOfItem: [Int]
        var lastChange = 0
        /// The positions of the items that have ended, in the order in which they ended.
        var ended: [Int] = []
        /// Whether nothing changes any more, because the batch has ended, was stopped or cannot be followed.
        var isOver = false
        /// The error if the batch cannot be followed. Only a defect of the SDK can cause such an error.
        var failure: (any Error)?
        var following: Task<Void, Never>?
        var stopping: Task<Void, Never>?
        /// The request `batch.next` that waits without a timeout until an item changes; nil if no such request is in
        /// progress.
        var waitingRequest: Task<BatchChanges, any Error>?
        /// The waiters that have timed out. Each gets the core's error, or nil if a change has come before the error.
        var expiring: [CheckedContinuation<HightouchError?, Never>] = []
        var signals: [Int: AsyncStream<Void>.Continuation] = [:]
        var lastSignal = 0
    }

    private init(door: Door, batch: Int, syncs: [SyncReference]) {
        self.door = door
        self.batch = batch
        let items = syncs.enumerated().map { BatchItem(index: $0, sync: $1) }
        state = State(items: items, changeOfItem: Array(repeating: 0, count: items.count))
    }

    static func start(door: Door, batch: Int, syncs: [SyncReference]) -> BatchFeed {
        let feed = BatchFeed(door: door, batch: batch, syncs: syncs)
        // The task is detached, because it must not inherit the task-local values and the priority of the caller.
        feed.locked { $0.following = Task.detached { await feed.follow() } }
        return feed
    }

    private func locked<Value>(_ body: (inout State) throws -> Value) rethrows -> Value {
        try lock.withLock { try body(&state) }
    }

    // MARK: What is known

    var items: [BatchItem] { locked(\.items) }
    var isOver: Bool { locked(\.isOver) }

    /// Returns the items that have changed since the change with the number `change`, in the order of their changes.
    /// Also returns the number of the last change.
    func changes(after change: Int) -> (items: [BatchItem], last: Int) {
        locked { state in
            let changed = state.items.filter { state.changeOfItem[$0.index] > change }
            return (
                changed.sorted { state.changeOfItem[$0.index] < state.changeOfItem[$1.index] }, state.lastChange
            )
        }
    }

    /// Returns the item that was the `nth` to end, counted from 0; nil if fewer items have ended so far.
    ///
    /// - Throws: The error that says why the batch cannot be followed.
    func ended(_ nth: Int) throws -> BatchItem? {
        try locked { state in
            if nth < state.ended.count { return state.items[state.ended[nth]] }
            if let failure = state.failure { throw failure }
            return nil
        }
    }

    /// Returns a stream that yields immediately, then after each change, and at the time `end`. The stream ends if the
    /// task that reads it is cancelled.
    func signals(until end: ContinuousClock.Instant? = nil) -> AsyncStream<Void> {
        let (stream, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = locked { state in
            state.lastSignal += 1
            state.signals[state.lastSignal] = signal
            return state.lastSignal
        }
        let timer = end.map { end in
            Task.detached {
                // Sleeps at most a day at a time, because a single sleep cannot last for the longest `Duration`.
                while .now < end { try await Task.sleep(for: min(end - .now, .seconds(86_400))) }
                signal.yield()
            }
        }
        signal.onTermination = { [weak self] _ in
            timer?.cancel()
            self?.locked { $0.signals[number] = nil }
        }
        signal.yield()
        return stream
    }

    // MARK: Following

    private func follow() async {
        while let (request, expiring) = nextRequest() {
            do {
                await apply(try await request.value)
                for waiter in expiring { waiter.resume(returning: nil) }
            } catch let error as HightouchError where error.kind == .waitTimeout && !expiring.isEmpty {
                for waiter in expiring { waiter.resume(returning: error) }
            } catch {
                // A cancelled request is not a failure, because only `expired` and `stop` cancel requests.
                if (error as? HightouchError)?.kind != .cancelled { over(failure: error) }
                for waiter in expiring { waiter.resume(returning: nil) }
            }
        }
    }

    /// Sends the next request. Returns the request, and the waiters that get the error if the request times out.
    /// Returns nil if the batch is over or is being stopped.
    private func nextRequest() -> (Task<BatchChanges, any Error>, [CheckedContinuation<HightouchError?, Never>])? {
        locked { state in
            state.waitingRequest = nil
            guard !state.isOver, state.stopping == nil else { return nil }
            let expiring = state.expiring
            state.expiring = []
            let arguments: Fields =
                expiring.isEmpty ? ["batch": batch] : ["batch": batch, "timeoutMs": 0, "expire": true]
            let request = Task.detached { [door] in
                try await door.quiet("batch.next", arguments).value(as: BatchChanges.self)
            }
            if expiring.isEmpty { state.waitingRequest = request }
            return (request, expiring)
        }
    }

    private func apply(_ changes: BatchChanges) async {
        await door.tell(changes.told ?? [])
        var errors: [HightouchError?] = []
        for item in changes.items {
            guard let failure = item.failure else { errors.append(nil); continue }
            errors.append(await door.completed(failure))
        }
        locked { state in
            for (change, error) in zip(changes.items, errors) where state.items.indices.contains(change.index) {
                // Skips an item that had ended before: the answer to `batch.stop` contains all items once more.
                if state.items[change.index].outcome != nil { continue }
                if change.outcome != nil { state.ended.append(change.index) }
                state.items[change.index].apply(change, error: error)
                state.lastChange += 1
                state.changeOfItem[change.index] = state.lastChange
            }
        }
        if changes.finished { over() } else { signal() }
    }

    private func over(failure: (any Error)? = nil) {
        let expiring = locked { state in
            state.isOver = true
            state.failure = state.failure ?? failure
            defer { state.expiring = [] }
            return state.expiring
        }
        for waiter in expiring { waiter.resume(returning: nil) }
        signal()
    }

    private func signal() {
        for signal in locked({ Array($0.signals.values) }) { signal.yield() }
    }

    // MARK: Ending

    /// Returns the core's error for a wait that has timed out; nil if a change came before the timeout, or if the batch
    /// is over.
    func expired() async -> HightouchError? {
        await withCheckedContinuation { waiter in
            let (isOver, request) = locked { state in
                if !state.isOver { state.expiring.append(waiter) }
                return (state.isOver, state.waitingRequest)
            }
            if isOver { waiter.resume(returning: nil) } else { request?.cancel() }
        }
    }

    /// Returns the items of a batch that is over.
    ///
    /// - Throws: `HightouchError` of kind `runFailed` if a policy asks for an error, or of kind `closed` if the batch
    ///   was stopped before every sync had ended.
    func result(
        onFailure: SyncRunHandle.EndPolicy, onWarning: SyncRunHandle.EndPolicy
    ) async throws -> [BatchItem] {
        if let failure = locked(\.failure) { throw failure }
        do {
            _ = try await door.local(
                "batch.next", ["batch": batch, "onFailure": onFailure, "onWarning": onWarning])
        } catch var error as HightouchError where error.kind == .runFailed {
            let failed = Set(error.details?.array?.compactMap { $0["index"]?.int } ?? [])
            error.items = items.filter { failed.contains($0.index) }
            throw error
        }
        return items
    }

    /// Stops the batch. The returned task ends once the triggers in progress have ended, so that no run remains
    /// unknown.
    @discardableResult
    func stop() -> Task<Void, Never> {
        let (stopping, request) = locked { state in
            let stopping =
                state.stopping
                ?? Task.detached { [self, following = state.following] in
                    // Waits for `follow`. Otherwise `follow` could apply its last changes after the newer changes that
                    // `batch.stop` returns.
                    await following?.value
                    do {
                        await apply(try await door.local("batch.stop", ["batch": batch]).value())
                    } catch {
                        over(failure: error)
                    }
                }
            state.stopping = stopping
            return (stopping, state.waitingRequest)
        }
        request?.cancel()
        return stopping
    }

    /// Stops the batch, and then makes the core forget the batch.
    func close() {
        let stopping = stop()
        Task.detached { [door, batch] in
            await stopping.value
            _ = try? await door.local("batch.close", ["batch": batch])
        }
    }
}
