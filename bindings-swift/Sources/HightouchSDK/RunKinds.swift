/// The kind of a run.
public enum RunKind: String, CaseIterable, Codable, Hashable, Sendable, CustomStringConvertible {
    /// A run of a sync.
    case sync
    /// A run of a sequence of syncs.
    case sequence
    /// A run of an identity graph.
    case identityGraph = "identity_graph"

    /// The kind in words, such as `identity graph`.
    public var description: String { self == .identityGraph ? "identity graph" : rawValue }
}

/// The state of a run at one moment: ``SyncRun``, ``SequenceRun`` or ``IdentityGraphRun``.
public protocol RunState: Codable, Hashable, Sendable {
    /// The type of a run's id.
    associatedtype RunID: LosslessStringConvertible & Hashable & Sendable
    /// The type of the id of the run's sync, sequence or graph.
    associatedtype ParentID: LosslessStringConvertible & Hashable & Sendable

    /// The kind of the run.
    static var kind: RunKind { get }
}

extension RunState {
    /// Why the run failed, was cancelled or was interrupted, or why it ended with warnings, and what to do. Nil if the
    /// run succeeded or has not ended. Sends nothing.
    public var problem: RunProblem? { Native.problem(of: self) }
}

extension SyncRun: RunState {
    public typealias RunID = Int
    public typealias ParentID = Int

    /// Always ``RunKind/sync``.
    public static var kind: RunKind { .sync }
}

extension SequenceRun: RunState {
    public typealias RunID = String
    public typealias ParentID = String

    /// Always ``RunKind/sequence``.
    public static var kind: RunKind { .sequence }
}

extension IdentityGraphRun: RunState {
    public typealias RunID = String
    public typealias ParentID = String

    /// Always ``RunKind/identityGraph``.
    public static var kind: RunKind { .identityGraph }
}

/// A handle for a run of a sync.
public typealias SyncRunHandle = RunHandle<SyncRun>
/// A handle for a run of a sequence.
public typealias SequenceRunHandle = RunHandle<SequenceRun>
/// A handle for a run of an identity graph.
public typealias IdentityGraphRunHandle = RunHandle<IdentityGraphRun>

extension RunHandle where State == SyncRun {
    /// The id of the sync.
    public var syncId: Int { parentId }
}

extension RunHandle where State == SequenceRun {
    /// The id of the sequence.
    public var sequenceId: String { parentId }
}

extension RunHandle where State == IdentityGraphRun {
    /// The id of the identity graph.
    public var graphId: String { parentId }
}

/// A handle for a run of any kind, opened from a token.
///
/// ```swift
/// switch try await ht.run(token) {
/// case .sync(let run): print(try await run.wait().successfulRows)
/// case .sequence(let run): print(try await run.wait().syncRuns)
/// case .identityGraph(let run): print(try await run.wait().stats ?? [:])
/// }
/// ```
public enum AnyRun: Sendable {
    /// A run of a sync.
    case sync(SyncRunHandle)
    /// A run of a sequence.
    case sequence(SequenceRunHandle)
    /// A run of an identity graph.
    case identityGraph(IdentityGraphRunHandle)

    init(_ run: OpenedRun, door: Door) throws {
        switch run.kind {
        case .sync: self = .sync(try RunHandle(run, door: door))
        case .sequence: self = .sequence(try RunHandle(run, door: door))
        case .identityGraph: self = .identityGraph(try RunHandle(run, door: door))
        }
    }

    /// The handle if this is a run of a sync; otherwise nil.
    public var sync: SyncRunHandle? { if case .sync(let run) = self { run } else { nil } }
    /// The handle if this is a run of a sequence; otherwise nil.
    public var sequence: SequenceRunHandle? { if case .sequence(let run) = self { run } else { nil } }
    /// The handle if this is a run of an identity graph; otherwise nil.
    public var identityGraph: IdentityGraphRunHandle? { if case .identityGraph(let run) = self { run } else { nil } }
}

extension AnyRun: CustomStringConvertible {
    /// The kind and the ids, such as `run 77 of sync 5`.
    public var description: String {
        switch self {
        case .sync(let run): "\(run)"
        case .sequence(let run): "\(run)"
        case .identityGraph(let run): "\(run)"
        }
    }
}

/// A run as it crosses the door.
struct OpenedRun: Decodable {
    let token: String
    let kind: RunKind
    let id: String
    let parent: String
    let adopted: Bool
    let joined: Bool
}
