/// A field of a change: left as it is, emptied, or set.
///
/// ```swift
/// schedule: .absent       // the sync keeps its schedule
/// schedule: .null         // the sync has none from now on; `nil` is the same
/// schedule: .set(hourly)
/// ```
public enum Patch<Value> {
    /// Not sent: the server leaves the field as it is.
    case absent
    /// Sent as `null`.
    case null
    /// Sent.
    case set(Value)

    /// What is there is set, and nil is null: a field of one thing given to another as it is.
    public init(_ value: Value?) { self = value.map(Patch.set) ?? .null }
}

extension Patch: Sendable where Value: Sendable {}
extension Patch: Equatable where Value: Equatable {}
extension Patch: Hashable where Value: Hashable {}

extension Patch: ExpressibleByNilLiteral {
    /// The same as ``null``.
    public init(nilLiteral: ()) { self = .null }
}

extension Patch where Value: Encodable & Sendable {
    /// What is sent; nil for nothing.
    var sent: (any Encodable & Sendable)? {
        switch self {
        case .absent: nil
        case .null: JSONValue.null
        case .set(let value): value
        }
    }
}
