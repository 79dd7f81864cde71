/// A field of an update that can be cleared: leave it, clear it, or set it.
///
/// ```swift
/// let hourly = Schedule(type: "cron", schedule: .cron(CronRule(expression: "0 * * * *")))
/// try await ht.syncs.update("orders-to-salesforce", schedule: .set(hourly))
/// try await ht.syncs.update("orders-to-salesforce", disabled: true)  // keeps the schedule
/// try await ht.syncs.update("orders-to-salesforce", schedule: .null)  // clears the schedule
/// ```
public enum Patch<Value> {
    /// Leaves the field as it is: the request does not contain it.
    case absent
    /// Clears the field: the request contains `null`.
    case null
    /// Sets the field to a value.
    case set(Value)

    /// Sets the field to a value, or clears it if the value is nil.
    ///
    /// Use it to copy an optional property, such as the schedule of another sync.
    ///
    /// - Parameter value: The value, or nil to clear the field.
    /// - Returns: The patch.
    public static func setOrClear(_ value: Value?) -> Patch { value.map(Patch.set) ?? .null }
}

extension Patch: Sendable where Value: Sendable {}
extension Patch: Equatable where Value: Equatable {}
extension Patch: Hashable where Value: Hashable {}

extension Patch: ExpressibleByNilLiteral {
    /// The same as ``absent``: nil leaves a field as it is, as it does for every other argument of an update.
    public init(nilLiteral: ()) { self = .absent }
}

extension Patch where Value: Encodable & Sendable {
    /// The value to send, or nil to send none.
    var sent: (any Encodable & Sendable)? {
        switch self {
        case .absent: nil
        case .null: JSONValue.null
        case .set(let value): value
        }
    }
}
