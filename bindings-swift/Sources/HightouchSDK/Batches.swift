/// The runs of many syncs, which the client starts and follows together.
///
/// ``Syncs/runMany(_:fullResync:resetCDC:clearAndFill:ifRunning:atOnce:checkpoint:retryUnknown:retryFailed:options:)`` returns a batch.
///
/// Iterating yields each item once, as it ends. Every iteration starts with the items that have already ended. A sync
/// that fails is yielded like any other sync; iterating does not throw the error of the sync. Leaving a loop does not
/// stop the batch.
///
/// ```swift
/// let batch = try await ht.syncs.runMany(["orders-to-salesforce", 7], atOnce: 2)
/// for try await item in batch { print(item.sync, item.outcome ?? .unknown) }
/// let items = try await batch.wait(onFailure: .return)
/// ```
///
/// If the task is cancelled while it waits or iterates, the batch is stopped, and an error is thrown once the triggers
/// in progress have ended. The runs that were started continue. If at least one run continues, the error is a
/// ``HightouchError`` of kind `cancelled`, and its ``HightouchError/items`` have the tokens of these runs. Otherwise
/// the error is a `CancellationError`.
///
/// Any number of tasks can wait and iterate at once. When a batch is released, it stops.
public final class SyncBatch: AsyncSequence, Sendable {
    private let feed: BatchFeed

    init(door: Door, batch: Int, syncs: [SyncReference]) {
        feed = .start(door: door, batch: batch, syncs: syncs)
    }

    deinit { feed.close() }

    /// One item for each sync, in the order in which the syncs were passed. Each item shows what is known now. You can
    /// also read the items after the batch was stopped.
    public var items: [BatchItem] { feed.items }

    /// Waits for all syncs to end. The wait continues through outages of the API. You can call this method repeatedly.
    ///
    /// - Parameters:
    ///   - timeout: The longest time to wait, from zero to `Int64.max` milliseconds. If nil, the wait has no limit. The
    ///     batch itself continues after the timeout.
    ///   - onFailure: What to do if a sync was not started, or its run failed, was cancelled or was interrupted. The
    ///     wait continues until all syncs have ended.
    ///   - onWarning: What to do if a run ended with warnings.
    ///   - progress: Called with each item that has changed, including those that changed before the wait.
    /// - Returns: One item for each sync, in the order in which the syncs were passed.
    /// - Throws: ``HightouchError``, or `CancellationError` if the task was cancelled and no run goes on. A cancelled
    ///   task stops the batch; if runs go on, the kind is `cancelled`. The kind is `runFailed` if `onFailure` or
    ///   `onWarning` asks for an error: ``HightouchError/items`` contains the items that caused the error, and the
    ///   message gives the reasons of the first few items. The kind is `waitTimeout` after the timeout, `closed`
    ///   if the batch was stopped before every sync had ended, and `invalidRequest` if `timeout` is out of range.
    @discardableResult
    public func wait(
        timeout: Duration? = nil,
        onFailure: SyncRunHandle.EndPolicy = .throw,
        onWarning: SyncRunHandle.EndPolicy = .return,
        progress: (@Sendable (BatchItem) async -> Void)? = nil
    ) async throws -> [BatchItem] {
        let end = try timeout.map { ContinuousClock.now + (try $0.checkedForWait()) }
        var last = 0
        for await _ in feed.signals(until: end) {
            // `isOver` is read before the changes. In the other order, a change between the two reads could be lost.
            let isOver = feed.isOver
            let changes = feed.changes(after: last)
            last = changes.last
            if let progress {
                for item in changes.items { await progress(item) }
            }
            if isOver { break }
            if let end, end <= .now, let error = await feed.expired() { throw error }
        }
        guard feed.isOver else { throw await cancelled() }
        return try await feed.result(onFailure: onFailure, onWarning: onWarning)
    }

    /// Starts no more syncs and ends every wait and iteration. Runs that were started continue, and the
    /// ``BatchItem/runToken`` of an item resumes its run. Returns after the triggers in progress have ended, so that no
    /// run remains unknown. You can call this method in a cancelled task, and more than once.
    ///
    /// - Returns: One item for each sync. An item without an ``BatchItem/outcome`` was not started, or its run
    ///   continues.
    @discardableResult
    public func stop() async -> [BatchItem] {
        await feed.stop().value
        return items
    }

    private func cancelled() async -> any Error {
        let left = await stop().filter { $0.runToken != nil && ($0.outcome == nil || $0.outcome == .unknown) }
        if left.isEmpty { return CancellationError() }
        var error = HightouchError(
            .cancelled, "syncs.runMany: the batch was stopped while \(left.count) runs were in progress.",
            hint: "The runs go on. Resume each with the token of its item.")
        error.items = left
        return error
    }

    public func makeAsyncIterator() -> Iterator { Iterator(batch: self) }

    /// Iterates over the items as they end.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let batch: SyncBatch
        private var nth = 0

        fileprivate init(batch: SyncBatch) { self.batch = batch }

        public mutating func next() async throws -> BatchItem? {
            var signals = batch.feed.signals().makeAsyncIterator()
            while true {
                // `isOver` is read before the item. In the other order, an item that ends between the two reads could
                // be lost.
                let isOver = batch.feed.isOver
                if let item = try batch.feed.ended(nth) {
                    nth += 1
                    return item
                }
                if isOver { return nil }
                guard await signals.next() != nil else { throw await batch.cancelled() }
            }
        }
    }
}

extension SyncBatch: CustomStringConvertible, CustomReflectable {
    /// How many syncs have ended, such as `2 of 5 syncs have ended`.
    public var description: String {
        let items = items
        return "\(items.count { $0.outcome != nil }) of \(items.count) syncs have ended"
    }

    /// A mirror that shows only the ``items``.
    public var customMirror: Mirror { Mirror(self, children: ["items": items]) }
}

extension Syncs {
    /// Starts a run of each sync and follows the runs together, in the background. A sync that fails does not affect
    /// the other syncs. But after a failure that would affect every sync, such as a rejected API key, no more syncs are
    /// started. For an unknown slug, this method does not throw; the item of that sync has the error. Hooks get this
    /// call, and each request of the batch after the request has ended.
    ///
    /// - Parameters:
    ///   - syncs: The ids or slugs of the syncs; an all-digit string is an id.
    ///   - fullResync: Send every row again, even if it was synced before. Default: false.
    ///   - resetCDC: Process every row without making changes at the destination. Default: false.
    ///   - clearAndFill: Empty the audience, then send all rows of the query's result. Default: false.
    ///   - ifRunning: What to do while a run of a sync is in progress. Default: `queue`.
    ///   - atOnce: How many syncs may be in progress at a time, at least 1. A sync is in progress from its trigger to
    ///     the end of its run. Default: 50.
    ///   - checkpoint: The path of the file that records what was started. If the file exists, the batch in it is
    ///     resumed: a run that has ended is not repeated, a run in progress is followed, and a sync that was not
    ///     started is started. If it cannot be known whether a run was started, the outcome of the item is `unknown`.
    ///   - retryUnknown: Start a sync again if it cannot be known whether its run was started. The sync may then run
    ///     twice. Default: false.
    ///   - retryFailed: Start a sync again if its run failed, was cancelled or was interrupted. Default: false.
    ///   - options: Options for each request of the batch.
    /// - Returns: The batch. Keep it until it has ended, because a batch that is released starts no more syncs.
    /// - Throws: ``HightouchError``, or `CancellationError` if the task was cancelled. The kind is `invalidRequest` if
    ///   an argument is wrong or the checkpoint cannot be used (then ``HightouchError/code`` is `checkpoint`), and
    ///   `closed` if the client is closed. In all these cases, nothing was sent.
    public func runMany(
        _ syncs: [SyncReference],
        fullResync: Bool? = nil,
        resetCDC: Bool? = nil,
        clearAndFill: Bool? = nil,
        ifRunning: IfRunning? = nil,
        atOnce: Int? = nil,
        checkpoint: String? = nil,
        retryUnknown: Bool? = nil,
        retryFailed: Bool? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> SyncBatch {
        let arguments: Fields = [
            "syncs": syncs,
            "fullResync": fullResync,
            "resetCDC": resetCDC,
            "clearAndFill": clearAndFill,
            "ifRunning": ifRunning,
            "atOnce": atOnce,
            "checkpoint": checkpoint,
            "retryUnknown": retryUnknown,
            "retryFailed": retryFailed,
            "tellCalls": door.hasHooks,
        ]
        try Task.checkCancellation()
        // If this call could be cancelled, it could leave behind a batch that nobody stops.
        let opened: OpenedBatch = try await door.call(
            "syncs.run_many", arguments, options.fields, isCancellable: false
        ).value()
        return SyncBatch(door: door, batch: opened.batch, syncs: syncs)
    }

    /// Returns the fewest requests and the least time that `runMany` needs for the same arguments. Sends nothing.
    ///
    /// - Parameters:
    ///   - syncs: The ids or slugs of the syncs.
    ///   - ifRunning: As in `runMany`.
    ///   - atOnce: As in `runMany`.
    ///   - checkpoint: As in `runMany`. The file is not read.
    ///   - runTime: The time that you expect one run to take. Default: zero.
    /// - Returns: The numbers of requests, and the time.
    /// - Throws: ``HightouchError``. The kind is `invalidRequest` if an argument is wrong, and `closed` if the client
    ///   is closed.
    public func estimateMany(
        _ syncs: [SyncReference],
        ifRunning: IfRunning? = nil,
        atOnce: Int? = nil,
        checkpoint: String? = nil,
        runTime: Duration = .zero
    ) async throws -> BatchEstimate {
        var arguments: Fields = [
            "syncs": syncs,
            "ifRunning": ifRunning,
            "atOnce": atOnce,
            "checkpoint": checkpoint,
        ]
        arguments.set(milliseconds: "runTimeMs", runTime)
        let told: EstimatedBatch = try await door.local("syncs.estimate_many", arguments).value()
        return BatchEstimate(
            lookups: told.lookups, triggers: told.triggers, looks: told.looks, requests: told.requests,
            duration: .milliseconds(told.durationMs))
    }
}

/// The fewest requests and the least time that a batch needs. A run that is still in progress when it is first read
/// needs more requests.
public struct BatchEstimate: Hashable, Sendable {
    /// Requests that prepare triggers: one for each slug if the client does not know the id of the sync yet, one for
    /// each sync with `ifRunning: .join`, and one if a checkpoint needs the server's time.
    public let lookups: Int
    /// Requests that start runs: one for each sync.
    public let triggers: Int
    /// Requests that read how runs ended: one for each sync.
    public let looks: Int
    /// The sum of ``lookups``, ``triggers`` and ``looks``.
    public let requests: Int
    /// The least time until the last run has ended, given the rate limit and `runTime`.
    public let duration: Duration
}

/// An estimate as it crosses the door.
private struct EstimatedBatch: Decodable {
    let lookups: Int
    let triggers: Int
    let looks: Int
    let requests: Int
    let durationMs: Int64
}

/// A batch as it crosses the door.
private struct OpenedBatch: Decodable {
    let batch: Int
}
