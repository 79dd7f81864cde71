/// One sync of a ``SyncBatch``, and what is known of its run.
public struct BatchItem: Codable, Hashable, Sendable {
    /// The position of the sync in the batch, from 0.
    public let index: Int
    /// The sync, as it was passed.
    public let sync: SyncReference
    /// The id of the sync; nil until its run was started.
    public internal(set) var syncId: Int?
    /// The id of the run; nil until the run was started.
    public internal(set) var runId: Int?
    /// The token of the run, for ``Hightouch/run(_:)``; nil until the run was started.
    public internal(set) var runToken: String?
    /// Whether the response to the trigger was lost and the client found the run in the list of runs.
    public internal(set) var isAdopted = false
    /// Whether the run was already in progress and the trigger joined it (`ifRunning: .join`) instead of starting a
    /// run.
    public internal(set) var isJoined = false
    /// The last known state of the run; nil until a state is known.
    public internal(set) var state: SyncRun?
    /// How the sync ended; nil while the sync waits or is in progress.
    public internal(set) var outcome: Outcome?
    /// Why no run was started, or why it is not known how the run ended. If the run itself failed, see ``state``.
    public internal(set) var error: HightouchError?

    /// How a sync of a batch ended.
    public enum Outcome: String, CaseIterable, Codable, Hashable, Sendable {
        /// The run succeeded.
        case success
        /// The run ended with warnings, such as rejected rows.
        case warning
        /// The run failed, was cancelled or was interrupted.
        case failure
        /// No run was started; ``BatchItem/error`` says why.
        case notStarted = "not_started"
        /// It is not known whether a run was started, or how the run ended; ``BatchItem/error`` says why.
        case unknown
    }
}

/// The changed items of a batch, as they cross the door.
struct BatchChanges: Decodable {
    struct Item: Decodable {
        let index: Int
        let run: String?
        let syncId: String?
        let runId: String?
        let adopted: Bool
        let joined: Bool
        let state: SyncRun?
        let outcome: BatchItem.Outcome?
        let failure: HightouchError?
    }

    let items: [Item]
    let finished: Bool
    /// Requests that have ended, for the hooks; nil if no request has ended or the client has no hooks.
    let told: [ToldRequest]?
}

extension BatchItem {
    init(index: Int, sync: SyncReference) {
        self.index = index
        self.sync = sync
    }

    mutating func apply(_ change: BatchChanges.Item, error: HightouchError?) {
        syncId = change.syncId.flatMap { Int($0) }
        runId = change.runId.flatMap { Int($0) }
        runToken = change.run
        isAdopted = change.adopted
        isJoined = change.joined
        state = change.state
        outcome = change.outcome
        self.error = error
    }
}
