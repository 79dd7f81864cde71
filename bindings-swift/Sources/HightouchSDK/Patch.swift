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
}

extension Patch: Sendable where Value: Sendable {}
extension Patch: Equatable where Value: Equatable {}
extension Patch: Hashable where Value: Hashable {}

extension Patch: ExpressibleByNilLiteral {
    public init(nilLiteral: ()) { self = .null }
}
