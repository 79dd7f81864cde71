import Foundation

extension RowCounts {
    /// The sum of ``addedCount``, ``changedCount`` and ``removedCount``.
    public var total: Int { addedCount + changedCount + removedCount }
}

extension SyncRun {
    /// Whether the run has ended. A run with a status that this version of the SDK does not know counts as in progress.
    public var isTerminal: Bool { [.success, .warning, .failed, .cancelled, .interrupted].contains(status) }

    /// The time from ``startedAt`` to ``finishedAt``, in whole milliseconds; nil if one of these times is nil.
    public var duration: Duration? { .between(startedAt, finishedAt) }
}

extension SequenceRun {
    /// Whether the run has ended. A run with a status that this version of the SDK does not know counts as in progress.
    public var isTerminal: Bool { [.done, .failed, .cancelled].contains(status) }
}

extension IdentityGraphRun {
    /// Whether the run has ended. A run with a status that this version of the SDK does not know counts as in progress.
    public var isTerminal: Bool { [.success, .failure, .cancelled].contains(status) }

    /// The time from ``startedAt`` to ``finishedAt``, in whole milliseconds; nil if one of these times is nil.
    public var duration: Duration? { .between(startedAt, finishedAt) }
}

extension Duration {
    fileprivate static func between(_ start: Date?, _ end: Date?) -> Duration? {
        guard let start, let end else { return nil }
        return .milliseconds(Int64((end.timeIntervalSince(start) * 1000).rounded()))
    }
}
