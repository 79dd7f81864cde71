/// What runs.
public enum RunKind: String, CaseIterable, Codable, Hashable, Sendable, CustomStringConvertible {
    /// A sync.
    case sync
    /// A sequence of syncs.
    case sequence
    /// An identity graph.
    case identityGraph = "identity_graph"

    /// The kind for people.
    public var description: String { self == .identityGraph ? "identity graph" : rawValue }
}

/// What is known of a run at one moment.
public protocol RunState: Codable, Hashable, Sendable {
    /// The id of a run.
    associatedtype RunID: LosslessStringConvertible & Hashable & Sendable
    /// The id of what runs.
    associatedtype ParentID: LosslessStringConvertible & Hashable & Sendable

    /// What runs.
    static var kind: RunKind { get }
}

extension SyncRun: RunState {
    public typealias RunID = Int
    public typealias ParentID = Int

    /// A sync.
    public static var kind: RunKind { .sync }
}

extension SequenceRun: RunState {
    public typealias RunID = String
    public typealias ParentID = String

    /// A sequence.
    public static var kind: RunKind { .sequence }
}

extension IdentityGraphRun: RunState {
    public typealias RunID = String
    public typealias ParentID = String

    /// An identity graph.
    public static var kind: RunKind { .identityGraph }
}

/// A run of a sync.
public typealias SyncRunHandle = RunHandle<SyncRun>
/// A run of a sequence.
public typealias SequenceRunHandle = RunHandle<SequenceRun>
/// A run of an identity graph.
public typealias IdentityGraphRunHandle = RunHandle<IdentityGraphRun>

extension RunHandle where State == SyncRun {
    /// The sync that runs.
    public var syncId: Int { parentId }
}

extension RunHandle where State == SequenceRun {
    /// The sequence that runs.
    public var sequenceId: String { parentId }
}

extension RunHandle where State == IdentityGraphRun {
    /// The identity graph that runs.
    public var graphId: String { parentId }
}

/// A run of whatever kind, as a token names it.
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

    /// The run, where it is one of a sync; nil for others.
    public var sync: SyncRunHandle? { if case .sync(let run) = self { run } else { nil } }
    /// The run, where it is one of a sequence; nil for others.
    public var sequence: SequenceRunHandle? { if case .sequence(let run) = self { run } else { nil } }
    /// The run, where it is one of an identity graph; nil for others.
    public var identityGraph: IdentityGraphRunHandle? { if case .identityGraph(let run) = self { run } else { nil } }
}

extension AnyRun: CustomStringConvertible {
    /// What runs, and the ids.
    public var description: String {
        switch self {
        case .sync(let run): "\(run)"
        case .sequence(let run): "\(run)"
        case .identityGraph(let run): "\(run)"
        }
    }
}

/// A run as the door gives it.
struct OpenedRun: Decodable {
    let token: String
    let kind: RunKind
    let id: String
    let parent: String
    let adopted: Bool
    let joined: Bool
}
