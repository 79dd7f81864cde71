import Foundation

/// A value that has a flat form, such as ``Sync`` or ``SyncRun``.
public protocol Recordable: Sendable {
    /// The flat form of the value.
    associatedtype Record: FlatRecord where Record.Value == Self
}

extension Recordable {
    /// Converts the value to a flat record.
    ///
    /// ```swift
    /// let run = try await ht.syncs.trigger("orders-to-salesforce")
    /// let record = try await run.wait().record(of: RecordParent(syncId: run.syncId))
    /// print(record.syncId ?? 0, record.status, record.plannedTotal, record.durationSeconds ?? 0)
    /// ```
    ///
    /// - Parameter parent: What the value belongs to.
    /// - Returns: The record. A column that the value lacks is nil.
    public func record(of parent: RecordParent = RecordParent()) -> Record { Record(self, of: parent) }
}

/// A value as a flat record. The columns are the same for every value and in every language of this SDK.
///
/// Later versions may add columns.
public protocol FlatRecord: Codable, Hashable, Sendable {
    /// The type of the value.
    associatedtype Value: Sendable

    /// Creates the record of a value. A column that the value lacks is nil.
    init(_ value: Value, of parent: RecordParent)

    /// The columns, in the order of ``cells``.
    static var columns: [RecordColumn] { get }
    /// The cells of the record, one for each column.
    var cells: [RecordCell] { get }
}

/// What a value belongs to, such as the sync of a run. Most values do not contain the id of their sync, graph or flow,
/// so a record gets this id from a `RecordParent`.
public struct RecordParent: Hashable, Sendable {
    /// The id of the sync, for runs of a sync.
    public var syncId: Int?
    /// The slug of the sync, for runs of a sync.
    public var syncSlug: String?
    /// The id of the graph, for runs of an identity graph.
    public var graphId: String?
    /// The id of the flow, for messages of a flow of the decision engine.
    public var flowId: String?

    /// Creates a description of what a value belongs to. Leave out what you do not know.
    public init(syncId: Int? = nil, syncSlug: String? = nil, graphId: String? = nil, flowId: String? = nil) {
        (self.syncId, self.syncSlug, self.graphId, self.flowId) = (syncId, syncSlug, graphId, flowId)
    }
}

/// A column of a ``FlatRecord``.
public struct RecordColumn: Hashable, Sendable {
    /// The type of the values in a column.
    public enum Kind: String, Codable, Hashable, Sendable {
        /// A whole number.
        case int
        /// A number that may have a fraction.
        case float
        /// True or false.
        case bool
        /// Text.
        case string
        /// A time in UTC with milliseconds. In files it is written as `2026-08-13T09:30:00.000Z`.
        case timestamp
        /// A list of whole numbers or of texts. In CSV it is written as JSON.
        case list
        /// The text of a JSON value, with all its digits.
        case json
    }

    /// The name of the column in Swift, such as `syncId`.
    public let name: String
    /// The name of the same column in Python, such as `sync_id`.
    public let snakeName: String
    /// The type of the values.
    public let kind: Kind

    init(_ snakeName: String, _ kind: Kind) {
        let words = snakeName.split(separator: "_")
        name = words.dropFirst().reduce(words.first.map(String.init) ?? "") {
            $0 + $1.prefix(1).uppercased() + $1.dropFirst()
        }
        self.snakeName = snakeName
        self.kind = kind
    }
}

/// The value of a ``FlatRecord`` in one column.
public enum RecordCell: Hashable, Sendable {
    /// No value.
    case null
    /// True or false.
    case bool(Bool)
    /// A whole number.
    case int(Int)
    /// A number.
    case double(Double)
    /// Text, a time, or the text of a JSON value.
    case text(String)
    /// The JSON text of a list.
    case list(String)

    init(_ value: Bool?) { self = value.map { .bool($0) } ?? .null }
    init(_ value: Int?) { self = value.map { .int($0) } ?? .null }
    init(_ value: Double?) { self = value.map { .double($0) } ?? .null }
    init(_ value: String?) { self = value.map { .text($0) } ?? .null }
    init(_ value: Date?) { self = value.map { .text(Coding.text($0)) } ?? .null }
    init(_ value: [Int]) { self = .list(jsonText(of: value)) }
    init(_ value: [String]) { self = .list(jsonText(of: value)) }
}

/// Returns the JSON text of a value, or `null` if the value contains a number that JSON cannot express. Only a value
/// that the user created can contain such a number.
func jsonText(of value: some Encodable) -> String { (try? Coding.exactText(of: value)) ?? "null" }

func jsonTextIfPresent(of value: (some Encodable)?) -> String? { value.map { jsonText(of: $0) } }
